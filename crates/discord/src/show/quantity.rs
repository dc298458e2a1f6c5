//! Sizes and times as people read them.

use std::time::Duration;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Returns a size such as `1.5 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        GIB.. => (GIB, "GiB"),
        MIB.. => (MIB, "MiB"),
        KIB.. => (KIB, "KiB"),
        1 => return "1 byte".to_owned(),
        _ => return format!("{bytes} bytes"),
    };
    let tenths = u128::from(bytes) * 10 / u128::from(unit);
    match tenths % 10 {
        0 => format!("{} {name}", tenths / 10),
        tenth => format!("{}.{tenth} {name}", tenths / 10),
    }
}

/// Returns a time such as `0.25 s`, `30 s`, `2 min 5 s` or `3 h 20 min`.
pub(crate) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let pair = |first: u64, first_unit: &str, second: u64, second_unit: &str| match second {
        0 => format!("{first} {first_unit}"),
        _ => format!("{first} {first_unit} {second} {second_unit}"),
    };
    match seconds {
        0..10 => {
            let hundredths = duration.as_millis() / 10;
            match hundredths % 100 {
                0 => format!("{} s", hundredths / 100),
                rest => format!("{}.{rest:02} s", hundredths / 100),
            }
        }
        10..60 => format!("{seconds} s"),
        60..3_600 => pair(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => pair(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => pair(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (1, "1 byte"),
            (1023, "1023 bytes"),
            (1536, "1.5 KiB"),
            (256 << 20, "256 MiB"),
            (3 << 30, "3 GiB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn times_are_short() {
        for (millis, text) in [
            (0, "0 s"),
            (254, "0.25 s"),
            (9_990, "9.99 s"),
            (30_400, "30 s"),
            (125_000, "2 min 5 s"),
            (12_000_000, "3 h 20 min"),
            (604_800_000, "7 d"),
        ] {
            assert_eq!(span(Duration::from_millis(millis)), text);
        }
    }
}
