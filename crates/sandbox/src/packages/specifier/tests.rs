use proptest::prelude::*;

use super::*;

const CLOSED: SpecifierPolicy = SpecifierPolicy {
    allow_urls: false,
    allow_paths: false,
    max_specifiers: 4,
};
const OPEN: SpecifierPolicy = SpecifierPolicy {
    allow_urls: true,
    allow_paths: true,
    max_specifiers: 4,
};

fn argument(manager: PackageManager, text: &str, policy: &SpecifierPolicy) -> Result<String> {
    Specifier::parse(manager, text, policy).map(|specifier| specifier.argument().to_owned())
}

#[test]
fn pip_takes_names_extras_and_versions() {
    for (text, expected) in [
        ("numpy", "numpy"),
        (
            " requests [security, socks] >= 2.8.1 , == 2.8.* ",
            "requests[security,socks]>=2.8.1,==2.8.*",
        ),
        (
            "A.B-C_d==1!2.0rc1.post3.dev4+local.1",
            "A.B-C_d==1!2.0rc1.post3.dev4+local.1",
        ),
        ("x~=1.4", "x~=1.4"),
        ("x===1.0", "x===1.0"),
        ("a!=1,<2,>0", "a!=1,<2,>0"),
    ] {
        assert_eq!(argument(PackageManager::Pip, text, &CLOSED).unwrap(), expected);
    }
    let specifier = Specifier::parse(PackageManager::Pip, "Flask_SQL.Alchemy[x]", &CLOSED).unwrap();
    assert_eq!(specifier.name(), Some("flask-sql-alchemy"));
    assert_eq!(specifier.manager(), PackageManager::Pip);
}

#[test]
fn pip_takes_nothing_else() {
    for text in [
        "",
        " ",
        "-r requirements.txt",
        "--index-url=http://evil",
        "-e .",
        ".",
        "./here",
        "/etc/passwd",
        "~/x",
        "a/b",
        "a\\b",
        "https://evil/x.whl",
        "git+https://evil/x",
        "git+ssh://evil/x",
        "file:///etc/passwd",
        "file:x",
        "x @ https://evil/x.whl",
        "x@/etc",
        "x @ file:x",
        "x; python_version < '3'",
        "x; os_name == \"a\"",
        "x==1; extra == 'a'",
        "x==",
        "x==1 --hash=sha256:0",
        "x ==1 y",
        "x y",
        "x (>=1)",
        "x[",
        "x[]",
        "x[-a]",
        "x[a]]",
        "x==1.*.*",
        "x>=1.*",
        "x==$HOME",
        "x`id`",
        "x&&y",
        "x\ny",
        "x\0",
        "x\u{a0}",
        "naïve",
        "x-",
        "_x",
        "x.whl",
        "x.TAR.GZ",
        "x==1.0+a.zip",
    ] {
        assert!(
            matches!(
                argument(PackageManager::Pip, text, &CLOSED),
                Err(SandboxError::InvalidPackage { .. })
            ),
            "{text:?}"
        );
    }
}

#[test]
fn npm_takes_names_scopes_and_ranges() {
    for (text, expected) in [
        ("lodash", "lodash"),
        ("@types/node", "@types/node"),
        ("@types/node@^20.1", "@types/node@^20.1"),
        ("left-pad@1.3.0", "left-pad@1.3.0"),
        ("react@next", "react@next"),
        ("JSONStream@>=1   <2 || 3.x", "JSONStream@>=1 <2 || 3.x"),
        ("socket.io@ latest", "socket.io@latest"),
    ] {
        assert_eq!(argument(PackageManager::Npm, text, &CLOSED).unwrap(), expected);
    }
    assert_eq!(
        Specifier::parse(PackageManager::Npm, "@a/b@1", &CLOSED).unwrap().name(),
        Some("@a/b")
    );
}

#[test]
fn npm_takes_nothing_else() {
    for text in [
        "",
        "--registry=http://evil",
        "-g",
        ".",
        "..",
        "./x",
        "/x",
        "~/x",
        "user/repository",
        "github:user/repository",
        "git+https://evil/x.git",
        "git@github.com:user/x.git",
        "https://evil/x.tgz",
        "x@https://evil/x.tgz",
        "x@file:../x",
        "x@npm:y",
        "x@user/repository",
        "x@../y",
        "x@.",
        "x@~/y",
        "x@1.tgz",
        "x.tgz",
        "x@a.tar.gz",
        "x@y.tar",
        "@scope",
        "@/x",
        "@scope/",
        "@a/b/c",
        "@-a/b",
        "@a/-b",
        "_x",
        "x y",
        "x@",
        "x@1 --force",
        "x@;id",
        "x@$(id)",
        "x\n",
        "node_modules",
        "x@1@2",
    ] {
        assert!(
            matches!(
                argument(PackageManager::Npm, text, &CLOSED),
                Err(SandboxError::InvalidPackage { .. })
            ),
            "{text:?}"
        );
    }
}

#[test]
fn urls_and_paths_where_the_operator_allows_them() {
    for (manager, text, expected) in [
        (PackageManager::Pip, "https://h/x-1.whl", "https://h/x-1.whl"),
        (
            PackageManager::Pip,
            "git+https://h/x@v1#egg=x",
            "git+https://h/x@v1#egg=x",
        ),
        (PackageManager::Pip, "x[a]@https://h/x.zip", "x[a] @ https://h/x.zip"),
        (PackageManager::Pip, "./dist/x-1.whl", "./dist/x-1.whl"),
        (PackageManager::Npm, "@s/x@https://h/x.tgz", "@s/x@https://h/x.tgz"),
        (
            PackageManager::Npm,
            "git+https://h/x.git#semver",
            "git+https://h/x.git#semver",
        ),
        (PackageManager::Npm, "./packages/a", "./packages/a"),
    ] {
        assert_eq!(argument(manager, text, &OPEN).unwrap(), expected);
    }
    for text in [
        "-ihttps://h/x",
        "http://h/x",
        "file:///x",
        "git+ssh://h/x",
        "git+file:///x",
        "https://",
        "https://u:p@h/x",
        "https://h/x y",
        "https://h/$X",
        "https://h/;x",
        "-x @ https://h/x",
        "/x",
        "../x",
        "./../x",
        "./a/../../x",
        "./a b",
        "~/x",
    ] {
        for manager in PackageManager::ALL {
            assert!(argument(manager, text, &OPEN).is_err(), "{manager} {text:?}");
        }
    }
}

#[test]
fn number_and_length_are_bounded() {
    let parse = |texts: &[&str]| parse_specifiers(PackageManager::Pip, texts, &CLOSED);
    assert_eq!(parse(&["a", "b", "c", "d"]).unwrap().len(), 4);
    assert!(parse(&["a", "b", "c", "d", "e"]).is_err());
    assert!(parse(&[]).is_err());
    assert!(parse(&["a", "-b"]).is_err());
    assert!(argument(PackageManager::Pip, &"a".repeat(256), &CLOSED).is_ok());
    let error = argument(PackageManager::Pip, &"a".repeat(1 << 20), &CLOSED).unwrap_err();
    assert!(error.to_string().len() < 512);
}

#[test]
fn managers_are_named_by_their_programs() {
    for manager in PackageManager::ALL {
        assert_eq!(manager.to_string().parse::<PackageManager>().unwrap(), manager);
    }
    assert!("cargo".parse::<PackageManager>().is_err());
}

/// Text made of the pieces that mean something to a package manager.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("-"),
        Just("--"),
        Just("@"),
        Just("/"),
        Just("./"),
        Just("../"),
        Just(":"),
        Just("://"),
        Just("https"),
        Just("git+"),
        Just("file:"),
        Just("npm:"),
        Just("x"),
        Just("1"),
        Just("1.2"),
        Just("=="),
        Just(">="),
        Just("^"),
        Just("~"),
        Just("*"),
        Just(" "),
        Just(","),
        Just("["),
        Just("]"),
        Just(";"),
        Just("."),
        Just("+"),
        Just("\n"),
        Just("\0"),
        Just("é"),
        Just(".whl"),
        Just(".tgz"),
        Just("||"),
        Just("'"),
        Just("$"),
        Just("#"),
        Just("!"),
    ];
    prop_oneof![
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
        any::<String>()
    ]
}

proptest! {
    #[test]
    fn whatever_is_taken_is_safe(text in text()) {
        for manager in PackageManager::ALL {
            if let Ok(argument) = argument(manager, &text, &CLOSED) {
                prop_assert!(argument.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '@'), "{argument:?}");
                prop_assert!(!argument.contains([':', '\\', ';', '\'', '"', '$', '`', '\n', '\0', '#', '&']), "{argument:?}");
                prop_assert!(!argument.contains('/') || argument.starts_with('@'), "{argument:?}");
                prop_assert!(!argument.contains(" -"), "{argument:?}");
                prop_assert_eq!(self::argument(manager, &argument, &CLOSED).unwrap(), argument);
            }
            if let Ok(argument) = argument(manager, &text, &OPEN) {
                prop_assert!(!argument.starts_with(['-', '/', '~']) && argument.is_ascii(), "{argument:?}");
                prop_assert!(!argument.contains("://") || argument.contains("https://"), "{argument:?}");
            }
        }
    }
}
