use super::*;

#[test]
fn a_new_spec_is_closed() {
    let spec = ContainerSpec::new("alpine".parse().unwrap(), "test");
    assert!(spec.readonly_rootfs && spec.no_new_privileges && !spec.stdin && !spec.init);
    assert_eq!(
        (spec.network_mode, &spec.seccomp),
        (NetworkMode::None, &Seccomp::Default)
    );
    assert_eq!(
        (spec.cap_drop.as_slice(), spec.cap_add.len()),
        (["ALL".to_owned()].as_slice(), 0)
    );
}

#[test]
fn names_differ() {
    let name = || ContainerSpec::new("alpine".parse().unwrap(), "test").name;
    assert_ne!(name(), name());
}

#[test]
fn memory_alone_means_no_swap() {
    let spec = ContainerSpec::new("alpine".parse().unwrap(), "test").with_memory(64 << 20);
    assert_eq!(spec.effective_memory_swap(), Some(64 << 20));
    assert_eq!(
        spec.with_memory_swap(128 << 20).effective_memory_swap(),
        Some(128 << 20)
    );
}

#[test]
fn unknown_fields_are_refused() {
    let mut value = serde_json::to_value(ContainerSpec::new("alpine".parse().unwrap(), "test")).unwrap();
    value["no_new_privilages"] = true.into();
    assert!(serde_json::from_value::<ContainerSpec>(value).is_err());
}
