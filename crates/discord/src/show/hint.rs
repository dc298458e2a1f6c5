//! What usually helps with the errors that beginners meet here first.

use inline_sandbox::Verdict;

use super::block::inline;

/// How much of the end of the errors is looked at.
const LOOKED_AT: usize = 4_096;
/// The longest name that is taken for one of a package.
const MAX_NAME: usize = 64;

/// Returns what may help a program in `language` that ended so and printed `errors`; `can_install` is whether packages may
/// be installed.
pub(crate) fn hint(language: &str, verdict: Verdict, errors: &[u8], can_install: bool) -> Option<String> {
    if !matches!(verdict, Verdict::NonZero(_)) {
        return None;
    }
    let errors = String::from_utf8_lossy(&errors[errors.len().saturating_sub(LOOKED_AT)..]);
    match language {
        "python" => {
            if errors
                .lines()
                .any(|line| line.starts_with("EOFError: EOF when reading a line"))
            {
                return Some("it asks for more input than there is: give it with the option `stdin`".to_owned());
            }
            let name = between(&errors, "ModuleNotFoundError: No module named '", "'")?;
            package("pip", name.split('.').next().unwrap_or(name), can_install)
        }
        "node" => package(
            "npm",
            between(&errors, "Error: Cannot find module '", "'")?,
            can_install,
        ),
        _ => None,
    }
}

fn package(manager: &str, name: &str, can_install: bool) -> Option<String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@' | b'/');
    // A path is no package.
    let is_package = name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '@');
    (can_install && is_package && name.len() <= MAX_NAME && name.bytes().all(is_plain)).then(|| {
        let command = format!("/il {manager} packages:{name}");
        format!("{} may install what is missing", inline(&command))
    })
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.rsplit_once(before)?;
    Some(rest.split_once(after)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(language: &str, errors: &str) -> Option<String> {
        hint(language, Verdict::NonZero(1), errors.as_bytes(), true)
    }

    #[test]
    fn what_is_missing_is_named() {
        let shown = of(
            "python",
            "Traceback\nModuleNotFoundError: No module named 'yaml.nodes'\n",
        )
        .unwrap();
        assert!(shown.contains("`/il pip packages:yaml`"), "{shown}");
        let shown = of("node", "Error: Cannot find module '@scope/name'\nRequire stack:").unwrap();
        assert!(shown.contains("`/il npm packages:@scope/name`"), "{shown}");
        assert!(
            of("python", "EOFError: EOF when reading a line\n")
                .unwrap()
                .contains("`stdin`")
        );
    }

    #[test]
    fn what_is_no_package_is_not_named() {
        for (language, errors) in [
            ("node", "Error: Cannot find module './mine'"),
            ("node", "Error: Cannot find module '/etc/x'"),
            ("python", "ModuleNotFoundError: No module named 'a` @everyone'"),
            ("python", "ValueError: no"),
            ("bash", "ModuleNotFoundError: No module named 'yaml'"),
        ] {
            assert_eq!(of(language, errors), None, "{errors}");
        }
        let missing = b"ModuleNotFoundError: No module named 'yaml'";
        assert_eq!(hint("python", Verdict::NonZero(1), missing, false), None);
        assert_eq!(hint("python", Verdict::Timeout, missing, true), None);
    }
}
