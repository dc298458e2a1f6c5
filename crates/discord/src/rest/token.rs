//! The bot's token, which never prints.

use std::fmt;

use reqwest::header::HeaderValue;

/// Holds the token of a bot.
#[derive(Clone)]
pub struct Token {
    text: String,
    header: HeaderValue,
}

impl Token {
    /// Takes a token, with or without `Bot` before it; `None` if it is none.
    pub fn new(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let text = words.next().filter(|word| *word != "Bot").or_else(|| words.next())?;
        if words.next().is_some() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        let mut header = HeaderValue::from_str(&format!("Bot {text}")).ok()?;
        header.set_sensitive(true);
        Some(Self {
            text: text.to_owned(),
            header,
        })
    }

    pub(crate) fn expose(&self) -> &str {
        &self.text
    }

    pub(super) fn header(&self) -> HeaderValue {
        self.header.clone()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_prints() {
        let token = Token::new("Bot abc.def-ghi\n").unwrap();
        assert_eq!(token.expose(), "abc.def-ghi");
        assert!(!format!("{token:?} {:?}", token.header()).contains("abc"));
        for text in ["", "Bot ", "a b", "a\nb"] {
            assert!(Token::new(text).is_none(), "{text:?}");
        }
    }
}
