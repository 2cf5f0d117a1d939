//! The field `grpc-timeout`: up to eight digits and a unit.

use std::time::Duration;

/// The largest number of eight digits.
const MAX: u128 = 99_999_999;

/// Units with their length in nanoseconds, the shortest first.
const UNITS: [(char, u128); 6] = [
    ('n', 1),
    ('u', 1_000),
    ('m', 1_000_000),
    ('S', 1_000_000_000),
    ('M', 60_000_000_000),
    ('H', 3_600_000_000_000),
];

/// Formats a timeout in the shortest unit that can hold it, rounded up, so that the server never
/// ends a call before the client. Longer timeouts than 99,999,999 hours become 99,999,999 hours.
pub(crate) fn format(timeout: Duration) -> String {
    let nanos = timeout.as_nanos();
    let fits = UNITS.iter().map(|(unit, length)| (unit, nanos.div_ceil(*length)));
    let mut fits = fits.filter(|(_, count)| *count <= MAX);
    match fits.next() {
        Some((unit, count)) => format!("{count}{unit}"),
        None => format!("{MAX}H"),
    }
}

/// Parses a value. `None` if it is malformed.
pub(crate) fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let count = digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    match unit {
        b'n' => Some(Duration::from_nanos(count)),
        b'u' => Some(Duration::from_micros(count)),
        b'm' => Some(Duration::from_millis(count)),
        b'S' => Some(Duration::from_secs(count)),
        b'M' => Some(Duration::from_secs(count * 60)),
        b'H' => Some(Duration::from_secs(count * 3_600)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finest_unit_that_fits_is_taken() {
        assert_eq!(format(Duration::ZERO), "0n");
        assert_eq!(format(Duration::from_nanos(1)), "1n");
        assert_eq!(format(Duration::from_nanos(99_999_999)), "99999999n");
        assert_eq!(format(Duration::from_nanos(100_000_000)), "100000u");
        assert_eq!(format(Duration::from_secs(5)), "5000000u");
        assert_eq!(format(Duration::from_secs(100)), "100000m");
        assert_eq!(format(Duration::from_secs(100_000)), "100000S");
        assert_eq!(format(Duration::from_secs(100_000_000)), "1666667M");
        assert_eq!(format(Duration::MAX), "99999999H");
    }

    #[test]
    fn what_does_not_fit_is_rounded_up() {
        assert_eq!(format(Duration::from_nanos(100_000_001)), "100001u");
        assert_eq!(format(Duration::from_nanos(99_999_999_001)), "100000m");
    }

    #[test]
    fn every_unit_is_read() {
        assert_eq!(parse(b"1H"), Some(Duration::from_secs(3_600)));
        assert_eq!(parse(b"2M"), Some(Duration::from_secs(120)));
        assert_eq!(parse(b"3S"), Some(Duration::from_secs(3)));
        assert_eq!(parse(b"4m"), Some(Duration::from_millis(4)));
        assert_eq!(parse(b"5u"), Some(Duration::from_micros(5)));
        assert_eq!(parse(b"6n"), Some(Duration::from_nanos(6)));
        assert_eq!(parse(b"00000001n"), Some(Duration::from_nanos(1)));
        assert_eq!(parse(b"99999999H"), Some(Duration::from_secs(99_999_999 * 3_600)));
        assert_eq!(parse(b"0S"), Some(Duration::ZERO));
    }

    #[test]
    fn malformed_values_are_refused() {
        let malformed: [&[u8]; 10] =
            [b"", b"S", b"1", b"1s", b"123456789S", b"-1S", b"+1S", b"1.5S", b" 1S", b"1 S"];
        for value in malformed {
            assert_eq!(parse(value), None, "{value:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_as_at_least_the_same() {
        for nanos in [1, 99_999_999, 100_000_001, 7_777_777_777_777, u64::MAX] {
            let timeout = Duration::from_nanos(nanos);
            let read = parse(format(timeout).as_bytes()).unwrap();
            assert!(read >= timeout && read - timeout <= timeout / 10_000, "{read:?}");
        }
    }
}
