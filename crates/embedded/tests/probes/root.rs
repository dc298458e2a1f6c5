//! A root filesystem of this machine's own files: the interpreter of the tries, what it needs, and nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAMS: [&str; 2] = ["/usr/bin/python3", "/usr/bin/sleep"];
/// What is a link into `/usr` on most machines.
const LINKS: [&str; 4] = ["bin", "lib", "lib64", "sbin"];
/// Prints the files of all modules that the tries use, some of them only by name.
const MODULES: &str = "import ctypes, encodings.idna, glob, os, platform, socket, struct, sys
for module in list(sys.modules.values()):
    print(getattr(module, '__file__', None) or '')";

/// Puts the root together in an empty directory, with these directories to mount something on.
pub(crate) fn make(root: &Path, mount_points: &[&str]) {
    for link in LINKS {
        if let Ok(target) = fs::read_link(Path::new("/").join(link)) {
            // What is absolute would lead the copies below onto the machine's own files.
            let target = target.strip_prefix("/").unwrap_or(&target);
            fs::create_dir_all(root.join(target)).unwrap();
            symlink(target, root.join(link)).unwrap();
        }
    }
    for directory in mount_points {
        fs::create_dir_all(root.join(directory.trim_start_matches('/'))).unwrap();
    }
    let mut files: BTreeSet<PathBuf> = PROGRAMS.iter().map(PathBuf::from).collect();
    files.extend(paths(Command::new(PROGRAMS[0]).args(["-I", "-c", MODULES])));
    let libraries: BTreeSet<_> = files
        .iter()
        .filter(|file| is_binary(file))
        .flat_map(libraries)
        .collect();
    for file in files.union(&libraries) {
        let copy = root.join(file.strip_prefix("/").unwrap());
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(file, copy).unwrap();
    }
}

/// Returns what a program needs besides itself, under the names by which it asks for that.
fn libraries(program: &PathBuf) -> Vec<PathBuf> {
    paths(Command::new("ldd").arg(program))
}

fn is_binary(file: &Path) -> bool {
    fs::read(file).unwrap().starts_with(b"\x7fELF")
}

/// Returns the absolute paths in what a command prints, of which there is one in a line.
fn paths(command: &mut Command) -> Vec<PathBuf> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let words = printed.split_ascii_whitespace();
    words.filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}
