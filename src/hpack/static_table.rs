//! The static table (RFC 7541, Appendix A), and lookups in it.

use super::table_entry::TableEntry;

/// The number of entries; higher indices belong to the dynamic table (RFC 7541, Section 2.3.3).
pub(super) const STATIC_LEN: usize = ENTRIES.len();

// The indices of the names that the encoder treats specially.
pub(super) const PATH: usize = 4;
pub(super) const AGE: usize = 21;
pub(super) const AUTHORIZATION: usize = 23;
pub(super) const CONTENT_LENGTH: usize = 28;
pub(super) const CONTENT_RANGE: usize = 30;
pub(super) const COOKIE: usize = 32;
pub(super) const ETAG: usize = 34;
pub(super) const IF_MODIFIED_SINCE: usize = 40;
pub(super) const IF_NONE_MATCH: usize = 41;
pub(super) const LAST_MODIFIED: usize = 44;
pub(super) const LOCATION: usize = 46;
pub(super) const PROXY_AUTHORIZATION: usize = 49;
pub(super) const RANGE: usize = 50;
pub(super) const SET_COOKIE: usize = 55;

// The names with several entries.
const METHOD: usize = 2;
const SCHEME: usize = 6;
const STATUS: usize = 8;

/// Returns the entry at an index from 1 to [`STATIC_LEN`].
pub(super) fn get(index: usize) -> Option<TableEntry<'static>> {
    ENTRIES.get(index.wrapping_sub(1)).copied()
}

/// Returns the index of the first entry with this name.
#[inline]
pub(super) fn find_name(name: &[u8]) -> Option<usize> {
    let mut place = place_of(name);
    loop {
        let index = usize::from(PLACES[place]);
        // Terminates, since the table has empty places; its values are valid indices.
        if index == 0 {
            return None;
        }
        if ENTRIES[index - 1].name() == name {
            return Some(index);
        }
        place = (place + 1) % PLACES.len();
    }
}

/// Returns the index of the entry with this value, among those with the same name as the entry
/// `first`, the first of that name.
#[inline]
pub(super) fn find_value(first: usize, value: &[u8]) -> Option<usize> {
    let count = match first {
        METHOD | PATH | SCHEME => 2,
        STATUS => 7,
        _ => 1,
    };
    (first..first + count).find(|&index| get(index).is_some_and(|entry| entry.value() == value))
}

/// Indices by hash of the name, with linear probing; 0 marks an empty place.
static PLACES: [u8; 256] = {
    let mut places = [0; 256];
    let mut index = 1;
    while index <= STATIC_LEN {
        let entry = &ENTRIES[index - 1];
        if index == 1 || !same_name(entry, &ENTRIES[index - 2]) {
            let mut place = place_of(entry.text.split_at(entry.name_len).0);
            while places[place] != 0 {
                place = (place + 1) % places.len();
            }
            places[place] = index as u8;
        }
        index += 1;
    }
    places
};

/// A cheap hash that distinguishes these names well.
const fn place_of(name: &[u8]) -> usize {
    match name {
        [first, .., last] => {
            let middle = name[name.len() / 2];
            (name.len() * 7 + *first as usize * 29 + middle as usize * 11 + *last as usize * 43)
                % 256
        }
        _ => 0,
    }
}

const fn same_name(one: &TableEntry<'_>, other: &TableEntry<'_>) -> bool {
    let mut place = 0;
    while place < one.name_len && place < other.name_len && one.text[place] == other.text[place] {
        place += 1;
    }
    place == one.name_len && place == other.name_len
}

macro_rules! entries {
    ($($name:literal $value:literal)*) => {
        [$(TableEntry { text: concat!($name, $value).as_bytes(), name_len: $name.len() }),*]
    };
}

/// Entries with the same name are adjacent.
const ENTRIES: [TableEntry<'static>; 61] = entries! {
    ":authority" ""
    ":method" "GET"
    ":method" "POST"
    ":path" "/"
    ":path" "/index.html"
    ":scheme" "http"
    ":scheme" "https"
    ":status" "200"
    ":status" "204"
    ":status" "206"
    ":status" "304"
    ":status" "400"
    ":status" "404"
    ":status" "500"
    "accept-charset" ""
    "accept-encoding" "gzip, deflate"
    "accept-language" ""
    "accept-ranges" ""
    "accept" ""
    "access-control-allow-origin" ""
    "age" ""
    "allow" ""
    "authorization" ""
    "cache-control" ""
    "content-disposition" ""
    "content-encoding" ""
    "content-language" ""
    "content-length" ""
    "content-location" ""
    "content-range" ""
    "content-type" ""
    "cookie" ""
    "date" ""
    "etag" ""
    "expect" ""
    "expires" ""
    "from" ""
    "host" ""
    "if-match" ""
    "if-modified-since" ""
    "if-none-match" ""
    "if-range" ""
    "if-unmodified-since" ""
    "last-modified" ""
    "link" ""
    "location" ""
    "max-forwards" ""
    "proxy-authenticate" ""
    "proxy-authorization" ""
    "range" ""
    "referer" ""
    "refresh" ""
    "retry-after" ""
    "server" ""
    "set-cookie" ""
    "strict-transport-security" ""
    "transfer-encoding" ""
    "user-agent" ""
    "vary" ""
    "via" ""
    "www-authenticate" ""
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_the_table_are_those_of_the_rfc() {
        assert!(get(0).is_none());
        assert_eq!(get(1).unwrap().name(), b":authority");
        assert_eq!(get(61).unwrap().name(), b"www-authenticate");
        assert!(get(62).is_none());
    }

    #[test]
    fn named_indices_are_right() {
        for (index, name) in [
            (PATH, ":path"),
            (AGE, "age"),
            (AUTHORIZATION, "authorization"),
            (CONTENT_LENGTH, "content-length"),
            (CONTENT_RANGE, "content-range"),
            (COOKIE, "cookie"),
            (ETAG, "etag"),
            (IF_MODIFIED_SINCE, "if-modified-since"),
            (IF_NONE_MATCH, "if-none-match"),
            (LAST_MODIFIED, "last-modified"),
            (LOCATION, "location"),
            (PROXY_AUTHORIZATION, "proxy-authorization"),
            (RANGE, "range"),
            (SET_COOKIE, "set-cookie"),
        ] {
            assert_eq!(find_name(name.as_bytes()), Some(index));
        }
    }

    #[test]
    fn every_name_is_found_at_its_first_entry() {
        for entry in ENTRIES {
            let first = ENTRIES.iter().position(|other| other.name() == entry.name()).unwrap();
            assert_eq!(find_name(entry.name()), Some(first + 1));
        }
        for name in ["", "x", ":", "cookies", ":methoe", "x-forwarded-for"] {
            assert_eq!(find_name(name.as_bytes()), None);
        }
    }

    #[test]
    fn every_value_is_found() {
        for (entry, index) in ENTRIES.iter().zip(1..) {
            let first = find_name(entry.name()).unwrap();
            assert_eq!(find_value(first, entry.value()), Some(index));
            assert_eq!(find_value(first, b"no such value"), None);
        }
    }
}
