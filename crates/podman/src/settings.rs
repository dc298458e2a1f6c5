//! The settings of a service of our own, on top of the user's.
//!
//! `CONTAINERS_CONF` would replace the user's own files, so it is not used; and where the user has set it, Podman reads no
//! other file, so ours is left out.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

/// Each exec leaves a process of 2.7 MB behind for this long; Podman's default is five minutes.
const SETTINGS: &str = "[engine]\nexit_command_delay = 10\n";

/// Writes the settings to `directory` and returns the variables that lead Podman to them.
pub(crate) fn variables(directory: &Path) -> io::Result<Vec<(&'static str, PathBuf)>> {
    let file = directory.join("containers.conf");
    fs::write(&file, SETTINGS)?;
    // From 4.6 on Podman reads this file on top of all others; before that, only what lies beside the user's own.
    let mut variables = vec![("CONTAINERS_CONF_OVERRIDE", file)];
    if let Some(home) = config_home() {
        variables.push(("XDG_CONFIG_HOME", extended_config(&home, directory)?));
    }
    Ok(variables)
}

/// Returns the user's own configuration directory, where Podman would read it.
fn config_home() -> Option<PathBuf> {
    if Uid::effective().is_root() || std::env::var_os("CONTAINERS_CONF").is_some() {
        return None;
    }
    let path = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    path("XDG_CONFIG_HOME").or_else(|| Some(path("HOME")?.join(".config")))
}

/// Makes a configuration directory that has all of the user's own, and our settings as one more file of `containers.conf.d`.
fn extended_config(home: &Path, directory: &Path) -> io::Result<PathBuf> {
    let extended = directory.join("config");
    let drop_ins = extended.join("containers/containers.conf.d");
    fs::create_dir_all(&drop_ins)?;
    // First, so that nothing is ever written through a link to a file of the user's.
    fs::write(drop_ins.join("zz-inline.conf"), SETTINGS)?;
    link_all(&home.join("containers"), &extended.join("containers"))?;
    link_all(&home.join("containers/containers.conf.d"), &drop_ins)?;
    Ok(extended)
}

fn link_all(from: &Path, to: &Path) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(from) else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if !target.exists() {
            symlink(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_own_settings_stay_in_force() {
        let home = tempfile::tempdir().unwrap();
        let containers = home.path().join("containers");
        fs::create_dir_all(containers.join("containers.conf.d")).unwrap();
        fs::write(containers.join("storage.conf"), "mine").unwrap();
        fs::write(containers.join("containers.conf.d/10-mine.conf"), "mine too").unwrap();
        let directory = tempfile::tempdir().unwrap();
        let extended = extended_config(home.path(), directory.path())
            .unwrap()
            .join("containers");
        let text = |name: &str| fs::read_to_string(extended.join(name)).unwrap();
        assert_eq!(text("storage.conf"), "mine");
        assert_eq!(text("containers.conf.d/10-mine.conf"), "mine too");
        assert_eq!(text("containers.conf.d/zz-inline.conf"), SETTINGS);
    }
}
