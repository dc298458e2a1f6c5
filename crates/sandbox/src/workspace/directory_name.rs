//! The name of an owner's directory.

use crate::Owner;

/// RFC 4648, in lower case, so that a filesystem that ignores case keeps owners apart.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Returns the directory of `owner`: safe in a path, a mount option and a shell, and no other owner's.
///
/// `kind.name` for an everyday name, `kind.~` and the name in base32 for any other. An owner's name has at most 128 bytes,
/// so that this stays below the 255 of a file name; a kind begins with a letter and has no dot.
pub(super) fn encode(owner: &Owner) -> String {
    let name = owner.name();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    if name.bytes().all(plain) {
        format!("{}.{name}", owner.kind())
    } else {
        format!("{}.~{}", owner.kind(), base32(name.as_bytes()))
    }
}

/// Returns the owner of the directory `name`; `None` if it is not one that [`encode`] makes.
pub(super) fn decode(name: &str) -> Option<Owner> {
    let (kind, rest) = name.split_once('.')?;
    let owner = match rest.strip_prefix('~') {
        Some(encoded) => Owner::new(kind, &String::from_utf8(from_base32(encoded)?).ok()?),
        None => Owner::new(kind, rest),
    };
    owner.ok().filter(|owner| encode(owner) == name)
}

fn base32(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(5) {
        let mut group = [0_u8; 8];
        group[3..3 + chunk.len()].copy_from_slice(chunk);
        let group = u64::from_be_bytes(group);
        let digits = (chunk.len() * 8).div_ceil(5);
        text.extend(
            (0..digits).map(|digit| char::from(BASE32[usize::try_from(group >> (35 - 5 * digit) & 31).unwrap_or(0)])),
        );
    }
    text
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for chunk in text.as_bytes().chunks(8) {
        let mut group = 0_u64;
        for digit in 0..8 {
            let value = match chunk.get(digit) {
                Some(byte) => BASE32.iter().position(|known| known == byte)?,
                None => 0,
            };
            group = group << 5 | u64::try_from(value).ok()?;
        }
        bytes.extend_from_slice(&group.to_be_bytes()[3..3 + chunk.len() * 5 / 8]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_everyday_name_stays_readable() {
        let owner = |text: &str| text.parse::<Owner>().unwrap();
        assert_eq!(encode(&owner("discord:80351110224678912")), "discord.80351110224678912");
        assert_eq!(encode(&owner("mcp:../../etc")), "mcp.~fyxc6lrof5sxiyy");
        assert_ne!(
            encode(&owner("local:Alice")).to_lowercase(),
            encode(&owner("local:alice"))
        );
        assert_eq!(decode("mcp.."), None);
        assert_eq!(
            decode("local.~mfwgsy3f"),
            None,
            "what could be plain is written plainly"
        );
    }

    proptest! {
        #[test]
        fn names_are_safe_and_read_back(kind in "[a-z][a-z0-9-]{0,15}", name in "[!-~]{1,128}") {
            let owner = Owner::new(&kind, &name).unwrap();
            let encoded = encode(&owner);
            prop_assert!(encoded.len() <= 255);
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)));
            prop_assert_eq!(decode(&encoded), Some(owner));
        }
    }
}
