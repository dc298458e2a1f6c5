//! What a run has made.

use std::fs::FileTimes;

use inline_sandbox::{ArtifactLimits, Artifacts, LeftOut, Snapshot};

use super::{Place, path};

const LIMITS: ArtifactLimits = ArtifactLimits {
    files: 10,
    file_bytes: 1 << 20,
    total_bytes: 4 << 20,
};

fn names(artifacts: &Artifacts) -> Vec<String> {
    artifacts
        .files
        .iter()
        .map(|artifact| artifact.path.to_string())
        .collect()
}

/// Makes a PNG of 64 by 48 pixels, of one colour but for the last pixel if `dot` is set.
fn png(colour: png::ColorType, depth: png::BitDepth, dot: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 64, 48);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == png::ColorType::Indexed {
        encoder.set_palette(vec![0, 0, 0, 255, 255, 255]);
    }
    let row = 64 * colour.samples() * depth as usize / 8;
    let mut data = vec![0; row * 48];
    if dot {
        *data.last_mut().unwrap() = 1;
    }
    encoder.write_header().unwrap().write_image_data(&data).unwrap();
    bytes
}

#[tokio::test]
async fn new_and_changed_files_come_sorted_with_images_first() {
    let place = Place::new().await;
    for name in ["kept", "changed", "removed"] {
        place.write(&path(name), "old").await.unwrap();
    }
    place.make_directory(&path("dir/node_modules/x")).await.unwrap();
    let before = place.snapshot().await.unwrap();
    std::fs::write(place.inside.join("changed"), "new").unwrap();
    std::fs::remove_file(place.inside.join("removed")).unwrap();
    std::fs::write(
        place.inside.join("dir/z.PNG"),
        png(png::ColorType::Rgb, png::BitDepth::Eight, true),
    )
    .unwrap();
    std::fs::write(place.inside.join("b.csv"), "1,2").unwrap();
    std::fs::write(place.inside.join("a.jpeg"), "no image, but its name").unwrap();
    for ignored in [
        ".site-packages",
        "__pycache__",
        ".cache",
        "dir/node_modules/x",
        ".inline-bootstrap",
    ] {
        std::fs::create_dir_all(place.inside.join(ignored)).unwrap();
        std::fs::write(place.inside.join(ignored).join("ignored.py"), "x").unwrap();
    }
    std::os::unix::fs::symlink("b.csv", place.inside.join("link.csv")).unwrap();
    let artifacts = place.changes_since(before, LIMITS).await.unwrap();
    assert_eq!(names(&artifacts), ["a.jpeg", "dir/z.PNG", "b.csv", "changed"]);
    let changed: Vec<_> = artifacts.files.iter().map(|artifact| artifact.is_new).collect();
    assert_eq!(changed, [true, true, true, false]);
    assert!(artifacts.left_out.is_empty());
}

#[tokio::test]
async fn a_change_that_hides_its_time_is_found() {
    let place = Place::new().await;
    place.write(&path("file"), "old").await.unwrap();
    let file = place.inside.join("file");
    let modified = file.metadata().unwrap().modified().unwrap();
    let before = place.snapshot().await.unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    std::fs::write(&file, "new").unwrap();
    let times = FileTimes::new().set_modified(modified);
    std::fs::File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_times(times)
        .unwrap();
    assert_eq!(names(&place.changes_since(before, LIMITS).await.unwrap()), ["file"]);
}

#[tokio::test]
async fn nothing_changed_is_nothing() {
    let place = Place::new().await;
    place.write(&path("file"), "x").await.unwrap();
    let before = place.snapshot().await.unwrap();
    place.read(&path("file"), 0, 10).await.unwrap();
    assert_eq!(place.changes_since(before, LIMITS).await.unwrap(), Artifacts::default());
}

#[tokio::test]
async fn what_is_left_out_is_told() {
    let place = Place::new().await;
    for number in 0..120 {
        std::fs::write(place.inside.join(format!("{number:03}")), "1234").unwrap();
    }
    std::fs::write(place.inside.join("-large"), vec![0; 11]).unwrap();
    let limits = ArtifactLimits {
        files: 5,
        file_bytes: 10,
        total_bytes: 14,
    };
    let artifacts = place.changes_since(Snapshot::default(), limits).await.unwrap();
    assert_eq!(names(&artifacts), ["000", "001", "002"]);
    assert_eq!(artifacts.left_out.len(), inline_sandbox::MAX_LEFT_OUT);
    assert_eq!(
        (
            artifacts.left_out[0].0.path.to_string().as_str(),
            artifacts.left_out[0].1
        ),
        ("-large", LeftOut::TooLarge)
    );
    assert_eq!(artifacts.left_out[1].1, LeftOut::TooMany);
    assert_eq!(artifacts.left_out_more, 121 - 3 - 100);
}

#[tokio::test]
async fn figures_with_nothing_on_them_are_dropped() {
    use png::{BitDepth, ColorType};
    let place = Place::new().await;
    let kinds = [
        (ColorType::Rgb, BitDepth::Eight),
        (ColorType::Rgba, BitDepth::Eight),
        (ColorType::Grayscale, BitDepth::One),
        (ColorType::GrayscaleAlpha, BitDepth::Sixteen),
        (ColorType::Indexed, BitDepth::Four),
    ];
    for (number, (colour, depth)) in kinds.into_iter().enumerate() {
        std::fs::write(
            place.inside.join(format!("blank{number}.png")),
            png(colour, depth, false),
        )
        .unwrap();
        std::fs::write(
            place.inside.join(format!("drawn{number}.png")),
            png(colour, depth, true),
        )
        .unwrap();
    }
    let mut damaged = png(ColorType::Rgb, BitDepth::Eight, false);
    damaged.truncate(damaged.len() / 2);
    std::fs::write(place.inside.join("edge-damaged.png"), damaged).unwrap();
    std::fs::write(place.inside.join("edge-empty.png"), "").unwrap();
    let artifacts = place.changes_since(Snapshot::default(), LIMITS).await.unwrap();
    let drawn = (0..5).map(|number| format!("drawn{number}.png"));
    let expected: Vec<_> = drawn
        .chain(["edge-damaged.png".to_owned(), "edge-empty.png".to_owned()])
        .collect();
    assert_eq!(names(&artifacts), expected);
    assert_eq!(artifacts.left_out.len(), 5);
    assert!(artifacts.left_out.iter().all(|(_, why)| *why == LeftOut::Blank));
}

#[tokio::test]
async fn an_image_that_says_it_is_huge_costs_nothing() {
    let place = Place::new().await;
    let mut bomb = png(png::ColorType::Rgb, png::BitDepth::Eight, false);
    // The width and height in the header, with the sum of its chunk.
    bomb[16..24].copy_from_slice(&[0x00, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff, 0xff]);
    let mut sum = crc32(&bomb[12..29]);
    bomb[29..33].swap_with_slice(&mut sum);
    std::fs::write(place.inside.join("bomb.png"), bomb).unwrap();
    let start = std::time::Instant::now();
    let artifacts = place.changes_since(Snapshot::default(), LIMITS).await.unwrap();
    assert_eq!(names(&artifacts), ["bomb.png"]);
    assert!(start.elapsed().as_secs() < 2);
}

/// Computes the CRC-32 of a PNG chunk, bit by bit.
fn crc32(bytes: &[u8]) -> [u8; 4] {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    (!crc).to_be_bytes()
}
