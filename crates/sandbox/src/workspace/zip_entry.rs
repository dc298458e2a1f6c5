//! What a zip file says of a file besides its content.

use std::time::{SystemTime, UNIX_EPOCH};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime};

use super::escape::push_hex;
use super::list;
use super::walk::Found;

/// Returns how `found` is described in a zip file.
pub(super) fn options(found: &Found<'_>) -> SimpleFileOptions {
    let mut options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        // Not the bits that make a program run as its owner.
        .unix_permissions(found.stat.st_mode & 0o777)
        .large_file(u32::try_from(found.stat.st_size).is_err());
    if let Some(modified) = list::modified(found.stat).and_then(date_time) {
        options = options.last_modified_time(modified);
    }
    options
}

/// Writes a path so that no unpacker sees more in it than names and slashes.
pub(super) fn name(names: &[u8]) -> String {
    let push_escaped = |name: &mut String, byte| {
        name.push('%');
        push_hex(name, byte);
    };
    let mut name = String::with_capacity(names.len());
    for chunk in names.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\\' | '\0'..='\u{1f}' | '\u{7f}' => push_escaped(&mut name, character as u8),
                _ => name.push(character),
            }
        }
        for byte in chunk.invalid() {
            push_escaped(&mut name, *byte);
        }
    }
    name
}

/// Converts to the calendar of zip files, which begins in 1980; in UTC. After Howard Hinnant's `civil_from_days`.
fn date_time(time: SystemTime) -> Option<DateTime> {
    let seconds = time.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months are counted from March, so that the leap day is the year's last.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let part = |value: u64| u8::try_from(value).ok();
    DateTime::from_date_and_time(
        u16::try_from(year).ok()?,
        part(month)?,
        part(day)?,
        part(seconds / 3_600 % 24)?,
        part(seconds / 60 % 60)?,
        part(seconds % 60)?,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let at = |seconds| date_time(UNIX_EPOCH + Duration::from_secs(seconds)).map(|date| date.to_string());
        assert_eq!(at(0), None);
        assert_eq!(at(315_532_800).as_deref(), Some("1980-01-01 00:00:00"));
        assert_eq!(at(951_827_696).as_deref(), Some("2000-02-29 12:34:56"));
        assert_eq!(at(1_767_225_598).as_deref(), Some("2025-12-31 23:59:58"));
        assert_eq!(at(u64::from(u32::MAX) * 2), None);
    }

    #[test]
    fn a_name_cannot_lead_an_unpacker_out() {
        assert_eq!(name(b"a\\..\\..\\b\n\xff"), "a%5c..%5c..%5cb%0a%ff");
    }
}
