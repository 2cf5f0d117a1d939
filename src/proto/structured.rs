//! Parses dictionaries of structured fields (RFC 8941, Section 3.2), as strictly as the RFC
//! requires: one invalid octet invalidates the whole field.

/// The value of a dictionary member, as far as it is needed here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Integer(i64),
    Boolean(bool),
    /// A decimal, a string, a token, octets or an inner list.
    Other,
}

/// Calls `on_member` for each member in order, so that the last of two with the same key wins.
///
/// Returns `None` if `text` is not a dictionary; the members passed to `on_member` must then be
/// ignored (RFC 8941, Section 4.2).
pub(super) fn dictionary<'a>(
    text: &'a [u8],
    mut on_member: impl FnMut(&'a [u8], Value),
) -> Option<()> {
    let mut parser = Parser { rest: text };
    parser.skip(b" ");
    while !parser.rest.is_empty() {
        let key = parser.key()?;
        let value = if parser.takes(b'=') {
            parser.member()?
        } else {
            parser.parameters()?;
            Value::Boolean(true)
        };
        on_member(key, value);
        parser.skip(b" \t");
        if parser.rest.is_empty() {
            break;
        }
        parser.expect(b',')?;
        parser.skip(b" \t");
        if parser.rest.is_empty() {
            return None;
        }
    }
    Some(())
}

struct Parser<'a> {
    rest: &'a [u8],
}

impl<'a> Parser<'a> {
    fn skip(&mut self, octets: &[u8]) {
        self.take_while(|octet| octets.contains(&octet));
    }

    fn takes(&mut self, octet: u8) -> bool {
        let rest = self.rest.strip_prefix(&[octet]);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, octet: u8) -> Option<()> {
        self.takes(octet).then_some(())
    }

    fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let len = self.rest.iter().position(|&octet| !belongs(octet)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest;
        taken
    }

    // RFC 8941, Section 4.2.3.3.
    fn key(&mut self) -> Option<&'a [u8]> {
        let starts = |octet: u8| octet.is_ascii_lowercase() || octet == b'*';
        self.rest.first().filter(|&&octet| starts(octet))?;
        Some(self.take_while(|octet| {
            starts(octet) || octet.is_ascii_digit() || matches!(octet, b'_' | b'-' | b'.')
        }))
    }

    // RFC 8941, Section 4.2.1.1: an item or an inner list.
    fn member(&mut self) -> Option<Value> {
        if self.takes(b'(') {
            self.inner_list()?;
            Some(Value::Other)
        } else {
            self.item()
        }
    }

    // RFC 8941, Section 4.2.1.2.
    fn inner_list(&mut self) -> Option<()> {
        loop {
            self.skip(b" ");
            if self.takes(b')') {
                return self.parameters();
            }
            self.item()?;
            self.rest.first().filter(|octet| matches!(octet, b' ' | b')'))?;
        }
    }

    // RFC 8941, Section 4.2.3.
    fn item(&mut self) -> Option<Value> {
        let value = self.bare_item()?;
        self.parameters()?;
        Some(value)
    }

    // RFC 8941, Section 4.2.3.2.
    fn parameters(&mut self) -> Option<()> {
        while self.takes(b';') {
            self.skip(b" ");
            self.key()?;
            if self.takes(b'=') {
                self.bare_item()?;
            }
        }
        Some(())
    }

    // RFC 8941, Section 4.2.3.1.
    fn bare_item(&mut self) -> Option<Value> {
        match self.rest.first()? {
            b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b':' => self.octets(),
            b'?' => self.boolean(),
            b'*' | b'A'..=b'Z' | b'a'..=b'z' => {
                self.take_while(|octet| {
                    octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&octet)
                });
                Some(Value::Other)
            }
            _ => None,
        }
    }

    // RFC 8941, Section 4.2.4: 15 digits, or 12 and a fraction of three.
    fn number(&mut self) -> Option<Value> {
        let is_negative = self.takes(b'-');
        let whole = self.take_while(|octet| octet.is_ascii_digit());
        if self.takes(b'.') {
            let fraction = self.take_while(|octet| octet.is_ascii_digit());
            let is_decimal = (1..=12).contains(&whole.len()) && (1..=3).contains(&fraction.len());
            return is_decimal.then_some(Value::Other);
        }
        if !(1..=15).contains(&whole.len()) {
            return None;
        }
        let number = whole.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
        Some(Value::Integer(if is_negative { -number } else { number }))
    }

    // RFC 8941, Section 4.2.5.
    fn string(&mut self) -> Option<Value> {
        self.expect(b'"')?;
        loop {
            self.take_while(|octet| matches!(octet, b' '..=b'~') && !b"\"\\".contains(&octet));
            if self.takes(b'"') {
                return Some(Value::Other);
            }
            self.expect(b'\\')?;
            if !self.takes(b'"') {
                self.expect(b'\\')?;
            }
        }
    }

    // RFC 8941, Section 4.2.7: base64, which is not decoded here.
    fn octets(&mut self) -> Option<Value> {
        self.expect(b':')?;
        self.take_while(|octet| octet.is_ascii_alphanumeric() || b"+/=".contains(&octet));
        self.expect(b':')?;
        Some(Value::Other)
    }

    // RFC 8941, Section 4.2.8.
    fn boolean(&mut self) -> Option<Value> {
        self.expect(b'?')?;
        let is_true = self.takes(b'1');
        if !is_true {
            self.expect(b'0')?;
        }
        Some(Value::Boolean(is_true))
    }
}
