//! Archives that mean well, and archives that do not.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use tar::EntryType;

use super::hostile::{Hostile, Scene};
use crate::store::archive::{self, Budget, Whiteouts};
use crate::store::tree::Tree;

#[test]
fn paths_that_climb_are_refused() {
    for archive in [
        Hostile::default().file("../outside/new", "x"),
        Hostile::default().file("a/../../outside/new", "x"),
        Hostile::default().directory("../outside/new"),
        Hostile::default().symlink("../outside/new", "x"),
        Hostile::default()
            .file("inside", "x")
            .hard_link("link", "../outside/file"),
        Hostile::default()
            .file("inside", "x")
            .hard_link("../outside/new", "inside"),
        Hostile::default().file("../outside/.wh.file", ""),
        Hostile::default().file("../outside/.wh..wh..opq", ""),
    ] {
        let scene = Scene::new();
        let refused = scene.unpack(&[archive.end()]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidData, "{refused}");
        scene.ensure_untouched();
    }
}

/// The symlinks lead outside for everybody who resolves them by the host's root; here they lead to places inside.
#[test]
fn symlinks_of_an_archive_lead_nowhere_else() {
    let scene = Scene::new();
    let outside = scene.directory.path().join("outside");
    let outside = outside.to_str().unwrap();
    let up = "../../../../../../../../..";
    let archive = Hostile::default()
        .symlink("absolute", outside)
        .file("absolute/new", "x")
        .symlink("climbing", &format!("{up}{outside}"))
        .file("climbing/newer", "x")
        .symlink("last", &format!("{outside}/file"))
        .file("last", "replaced")
        .symlink("directory", outside)
        .directory("directory")
        .symlink("chain1", "chain2")
        .symlink("chain2", outside)
        .file("chain1/newest", "x")
        .file("climbing/.wh.file", "")
        .file("absolute/.wh..wh..opq", "");
    // None of the directories that the links name exists inside, so what goes through them is refused or made inside.
    scene.unpack(&[archive.end()]).ok();
    scene.ensure_untouched();

    let scene = Scene::new();
    let archive = Hostile::default()
        .directory("usr/bin")
        .symlink("bin", "/usr/bin")
        .file("bin/tool", "tool")
        .symlink("etc", &format!("{up}/usr"))
        .file("etc/setting", "setting")
        .symlink("last", outside)
        .file("last", "replaced");
    scene.unpack(&[archive.end()]).unwrap();
    assert_eq!(scene.read("usr/bin/tool"), "tool");
    assert_eq!(scene.read("usr/setting"), "setting");
    assert_eq!(scene.read("last"), "replaced");
    scene.ensure_untouched();
}

#[test]
fn hard_links_through_symlinks_stay_inside() {
    let scene = Scene::new();
    let outside = scene.directory.path().join("outside");
    let archive = Hostile::default()
        .symlink("away", outside.to_str().unwrap())
        .hard_link("stolen", "away/file");
    assert!(scene.unpack(&[archive.end()]).is_err());
    scene.ensure_untouched();

    let scene = Scene::new();
    // A link to the symlink itself, then a write through its new name.
    let archive = Hostile::default()
        .symlink("away", outside.join("file").to_str().unwrap())
        .hard_link("alias", "away")
        .file("alias", "mine");
    scene.unpack(&[archive.end()]).unwrap();
    assert_eq!(scene.read("alias"), "mine");
    scene.ensure_untouched();
    assert!(
        scene
            .unpack(&[Hostile::default().directory("d").hard_link("e", "d").end()])
            .is_err()
    );
}

#[test]
fn nothing_lends_rights_and_no_device_is_made() {
    let scene = Scene::new();
    let archive = Hostile::default()
        .file("setuid", "x")
        .directory("directory")
        .entry(EntryType::Char, "dev/mem", "", b"")
        .entry(EntryType::Block, "dev/sda", "", b"")
        .entry(EntryType::Fifo, "dev/pipe", "", b"");
    scene.unpack(&[archive.end()]).unwrap();
    let mode = |path: &str| fs::metadata(scene.root().join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("setuid"), mode("directory")), (0o755, 0o755));
    assert!(["dev/mem", "dev/sda", "dev/pipe"].iter().all(|path| !scene.has(path)));
    let modified = fs::metadata(scene.root().join("setuid")).unwrap().modified().unwrap();
    assert_eq!(modified, SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000));
}

#[test]
fn whiteouts_remove_what_lies_below_and_nothing_else() {
    let scene = Scene::new();
    let below = Hostile::default()
        .file("gone", "x")
        .file("kept", "old")
        .file("tree/a/b", "x")
        .file("opaque/old", "x")
        .file("opaque/deep/old", "x")
        .file("opaque/deep/both", "old")
        .symlink("link", "tree");
    let above = Hostile::default()
        .file(".wh.gone", "")
        .file(".wh.tree", "")
        .file(".wh.link", "")
        .file(".wh.never", "")
        .file("opaque/deep/both", "new")
        .file("opaque/new", "new")
        .file("opaque/.wh..wh..opq", "")
        .file("kept", "new")
        .file(".wh.kept", "")
        .file(".wh..wh.plnk", "");
    scene.unpack(&[below.end(), above.end()]).unwrap();
    for path in [
        "gone",
        "tree",
        "link",
        "opaque/old",
        "opaque/deep/old",
        ".wh.gone",
        "opaque/.wh..wh..opq",
    ] {
        assert!(!scene.has(path), "{path}");
    }
    assert_eq!(scene.read("opaque/new"), "new");
    assert_eq!(scene.read("opaque/deep/both"), "new");
    assert_eq!(scene.read("kept"), "new");
    for name in [".wh.", ".wh..", ".wh..."] {
        assert!(
            Scene::new().unpack(&[Hostile::default().file(name, "").end()]).is_err(),
            "{name}"
        );
    }
}

#[test]
fn later_layers_replace_files_by_directories_and_back() {
    let scene = Scene::new();
    let below = Hostile::default().file("one", "x").file("two/deep/file", "x");
    let above = Hostile::default()
        .directory("one")
        .file("one/file", "y")
        .file("two", "y");
    scene.unpack(&[below.end(), above.end()]).unwrap();
    assert_eq!(
        (scene.read("one/file"), scene.read("two")),
        ("y".to_owned(), "y".to_owned())
    );
    // A directory below that is named again keeps what is in it.
    scene.unpack(&[Hostile::default().directory("one").end()]).unwrap();
    assert_eq!(scene.read("one/file"), "y");
}

#[test]
fn what_could_grow_is_bounded() {
    let unpack = |archive: &[u8], bytes, entries| {
        let scene = Scene::new();
        let mut tree = Tree::open(&scene.root()).unwrap();
        let mut budget = Budget { bytes, entries };
        archive::unpack(&mut tree, archive, Whiteouts::Obey, &mut budget)
    };
    let archive = Hostile::default().file("a", &"x".repeat(4096)).file("b", "y").end();
    assert!(unpack(&archive, archive.len() as u64, 2).is_ok());
    assert!(unpack(&archive, archive.len() as u64 - 1, 2).is_err());
    assert!(unpack(&archive, 1 << 20, 1).is_err());

    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..32 {
        bomb.write_all(&zeros).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 1 << 16);
    assert!(unpack(&bomb, 16 << 20, 10).is_err());

    let long = Hostile::default().entry(EntryType::GNULongName, "x", "", &vec![b'a'; 2 << 20]);
    assert!(unpack(&long.end(), 1 << 30, 10).is_err());
    let deep = "d/".repeat(200);
    let deep = Hostile::default()
        .entry(EntryType::GNULongName, "x", "", deep.as_bytes())
        .file("x", "");
    assert!(unpack(&deep.end(), 1 << 30, 10).is_err());
    let sparse = Hostile::default().entry(EntryType::GNUSparse, "x", "", b"");
    assert!(unpack(&sparse.end(), 1 << 30, 10).is_err());
}

#[test]
fn long_names_come_from_headers_before() {
    let scene = Scene::new();
    let name = format!("{}/{}", "a".repeat(90), "b".repeat(90));
    let pax = |key: &str, value: &str| {
        let rest = format!(" {key}={value}\n");
        // The length counts its own digits.
        let length = rest.len() + 3;
        format!("{length}{rest}")
    };
    let archive = Hostile::default()
        .entry(
            EntryType::GNULongName,
            "././@LongLink",
            "",
            format!("{name}\0").as_bytes(),
        )
        .file("short", "gnu")
        .entry(
            EntryType::XHeader,
            "pax",
            "",
            pax("path", &format!("{name}2")).as_bytes(),
        )
        .file("short", "pax")
        .file("short", "itself")
        .entry(
            EntryType::XHeader,
            "pax",
            "",
            pax("linkpath", &format!("{name}2")).as_bytes(),
        )
        .symlink("link", "short");
    scene.unpack(&[archive.end()]).unwrap();
    assert_eq!(scene.read(&name), "gnu");
    assert_eq!(scene.read(&format!("{name}2")), "pax");
    assert_eq!(scene.read("short"), "itself");
    assert_eq!(scene.read("link"), "pax");
}

/// Two frames with one between them that is no data, as layers with an index have.
#[test]
fn zstd_is_read_to_its_last_frame() {
    let archive = Hostile::default().file("first", "1").file("second", "2").end();
    let pack = |part: &[u8]| ruzstd::encoding::compress_to_vec(part, ruzstd::encoding::CompressionLevel::Fastest);
    let mut packed = pack(&archive[..700]);
    packed.extend([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    packed.extend(pack(&archive[700..]));
    let scene = Scene::new();
    scene.unpack(&[packed.clone()]).unwrap();
    assert_eq!(
        (scene.read("first"), scene.read("second")),
        ("1".to_owned(), "2".to_owned())
    );
    let cut = packed[..packed.len() - 40].to_vec();
    assert!(Scene::new().unpack(&[cut]).is_err());
}

#[test]
fn broken_archives_are_refused() {
    let archive = Hostile::default().file("file", &"x".repeat(2000)).end();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&archive).unwrap();
    let gzip = gzip.finish().unwrap();
    assert!(Scene::new().unpack(&[gzip[..].to_vec()]).is_ok());
    assert!(Scene::new().unpack(&[gzip[..gzip.len() - 10].to_vec()]).is_err());
    assert!(Scene::new().unpack(&[archive[..1024].to_vec()]).is_err());
    assert!(Scene::new().unpack(&[b"\xfd7zXZ\0".to_vec()]).is_err());
    assert!(Scene::new().unpack(&[vec![b'x'; 2048]]).is_err());
}
