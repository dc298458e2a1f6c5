use super::*;

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn what_is_left_out_is_filled_in() {
    for (text, full) in [
        ("alpine", "docker.io/library/alpine:latest"),
        ("alpine:3.20", "docker.io/library/alpine:3.20"),
        ("team/app", "docker.io/team/app:latest"),
        ("docker.io/alpine", "docker.io/library/alpine:latest"),
        ("index.docker.io/alpine", "docker.io/library/alpine:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app:v1", "localhost:5000/app:v1"),
        ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000/a/b/c:latest"),
        ("[::1]:5000/app", "[::1]:5000/app:latest"),
        ("[2001:db8::1]/app", "[2001:db8::1]/app:latest"),
        ("Registry/app", "Registry/app:latest"),
        ("quay.io/a__b/c-d--e.f_g:V_1.2-x", "quay.io/a__b/c-d--e.f_g:V_1.2-x"),
    ] {
        assert_eq!(text.parse::<ImageReference>().unwrap().to_string(), full, "{text}");
    }
}

#[test]
fn what_people_write_means_the_same() {
    for (full, familiar) in [
        ("docker.io/library/alpine:latest", "alpine"),
        ("docker.io/library/python:3.11-slim", "python:3.11-slim"),
        ("docker.io/team/app:latest", "team/app"),
        ("docker.io/library/a/b", "docker.io/library/a/b:latest"),
        ("docker.io/localhost/app:1", "docker.io/localhost/app:1"),
        ("localhost:5000/app:latest", "localhost:5000/app"),
    ] {
        let reference: ImageReference = full.parse().unwrap();
        assert_eq!(reference.familiar(), familiar);
        assert_eq!(familiar.parse::<ImageReference>().unwrap(), reference);
    }
    let digest = format!("alpine@sha256:{HEX}");
    assert_eq!(digest.parse::<ImageReference>().unwrap().familiar(), digest);
}

#[test]
fn digests_stand_alone_or_beside_a_tag() {
    let alone: ImageReference = format!("alpine@sha256:{HEX}").parse().unwrap();
    assert_eq!(
        (alone.tag(), alone.digest()),
        (None, Some(format!("sha256:{HEX}").as_str()))
    );
    let both: ImageReference = format!("localhost:5000/a:1@sha256:{HEX}").parse().unwrap();
    assert_eq!(both.to_string(), format!("localhost:5000/a:1@sha256:{HEX}"));
}

#[test]
fn what_breaks_the_grammar_is_refused() {
    let too_long = "a".repeat(MAX_NAME_BYTES);
    let tag_too_long = format!("a:{}", "t".repeat(MAX_TAG_BYTES + 1));
    let upper_digest = format!("a@sha256:{}", HEX.to_uppercase());
    for text in [
        "",
        " ",
        "/",
        "a/",
        "/a",
        "a//b",
        "A",
        "a:",
        "a:.x",
        "a:-x",
        "a@",
        "a@sha256:",
        "a@sha256:12",
        "a b",
        "a\n",
        "-a",
        "a-",
        "a..b",
        "a___b",
        "a._b",
        "host:0/a",
        "host:99999/a",
        "host:+1/a",
        "host:/a",
        ":5000/a",
        "[::1/a",
        "[nope]/a",
        "-h.io/a",
        "h-.io/a",
        "h..io/a",
        "ä",
        "a:ä",
        "a:b:c",
        "a@b@c",
        HEX,
        &too_long,
        &tag_too_long,
        &upper_digest,
        "localhost:5000",
        "../a",
        "a/../b",
        "--privileged",
    ] {
        let parsed = text.parse::<ImageReference>();
        if text == "localhost:5000" {
            // Without a slash this is a repository with a tag, as for every engine.
            assert_eq!(parsed.unwrap().to_string(), "docker.io/library/localhost:5000");
        } else {
            assert_eq!(parsed.unwrap_err().kind(), ErrorKind::InvalidSpec, "{text:?}");
        }
    }
}

#[test]
fn loopback_is_told_by_the_address() {
    for (text, loopback) in [
        ("localhost:5000/a", true),
        ("127.8.9.1/a", true),
        ("[::1]:5000/a", true),
        ("127.0.0.1.example.com/a", false),
        ("alpine", false),
        ("10.0.0.1:5000/a", false),
    ] {
        assert_eq!(
            text.parse::<ImageReference>().unwrap().is_loopback(),
            loopback,
            "{text}"
        );
    }
}

#[test]
fn the_full_form_parses_to_itself() {
    for text in ["alpine", "localhost:5000/a:1", "[::1]:5000/app"] {
        let once: ImageReference = text.parse().unwrap();
        assert_eq!(once.to_string().parse::<ImageReference>().unwrap(), once);
    }
}
