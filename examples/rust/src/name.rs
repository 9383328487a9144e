//! Names and patterns (spec/segment.md, 10).

use crate::layout::MAX_NAME;

fn is_token(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

/// Whether a text is a name, of the system or not.
pub fn is_name(text: &str) -> bool {
    let tokens = text.strip_prefix('$').unwrap_or(text);
    text.len() <= MAX_NAME as usize && tokens.split('.').all(is_token)
}

/// Whether a pattern matches a name.
pub fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('$') && !pattern.starts_with('$') {
        return false;
    }
    let mut tokens = name.split('.');
    let mut pieces = pattern.split('.').peekable();
    while let Some(piece) = pieces.next() {
        let Some(token) = tokens.next() else { return false };
        if piece == ">" && pieces.peek().is_none() {
            return true;
        }
        if piece != "*" && piece != token {
            return false;
        }
    }
    tokens.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "a.b-c.D_9", "$sys.x"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", ".", "a.", ".a", "a..b", "a b", "a/b", "*", "a.>", "a$", &"x".repeat(201)] {
            assert!(!is_name(bad), "{bad}");
        }
    }

    #[test]
    fn patterns() {
        for (pattern, name) in [("a.*", "a.b"), ("a.>", "a.b.c"), (">", "a"), ("$sys.*", "$sys.a"), ("a", "a")] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a.*", "a"), ("a.*", "a.b.c"), ("a.>", "a"), (">", "$sys"), ("*", "$sys"), ("a", "b")]
        {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }
}
