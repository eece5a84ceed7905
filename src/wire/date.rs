//! Dates as HTTP writes them (RFC 9110 §5.6.7) and as JSON documents do (RFC 3339).
//!
//! Proleptic Gregorian calendar, UTC, no leap seconds. Years end with 9999: beyond it both formats
//! have no words, and the last second of that year stands for all later ones.

/// Length of `Date: Sun, 06 Nov 1994 08:49:37 GMT` and its line end.
pub const DATE_LINE_BYTES: usize = 37;

const DAY_S: u64 = 86_400;
const SECOND_MS: u64 = 1000;
/// 9999-12-31T23:59:59Z.
const LAST_S: u64 = 253_402_300_799;

const WEEKDAYS: [&[u8; 3]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
const LONG_WEEKDAYS: [&[u8]; 7] = [b"Monday", b"Tuesday", b"Wednesday", b"Thursday", b"Friday", b"Saturday", b"Sunday"];
const MONTHS: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// A moment in calendar terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Civil {
    year: u64,
    /// 1 to 12.
    month: u64,
    /// 1 to 31.
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn http_date(unix_s: u64) -> [u8; 29] {
    let unix_s = unix_s.min(LAST_S);
    let civil = civil_from_unix(unix_s);
    // 1970-01-01 was a Thursday.
    let weekday = WEEKDAYS[((unix_s / DAY_S + 3) % 7) as usize];
    let mut text = *b"Www, DD Mmm YYYY hh:mm:ss GMT";
    text[..3].copy_from_slice(weekday);
    write_digits(&mut text[5..7], civil.day);
    text[8..11].copy_from_slice(MONTHS[civil.month as usize - 1]);
    write_digits(&mut text[12..16], civil.year);
    write_time(&mut text[17..25], civil);
    text
}

/// `2026-11-21T10:00:00.000Z`.
pub fn rfc3339(unix_ms: u64) -> [u8; 24] {
    let unix_ms = unix_ms.min(LAST_S * SECOND_MS + (SECOND_MS - 1));
    let civil = civil_from_unix(unix_ms / SECOND_MS);
    let mut text = *b"YYYY-MM-DDThh:mm:ss.mmmZ";
    write_digits(&mut text[..4], civil.year);
    write_digits(&mut text[5..7], civil.month);
    write_digits(&mut text[8..10], civil.day);
    write_time(&mut text[11..19], civil);
    write_digits(&mut text[20..23], unix_ms % SECOND_MS);
    text
}

/// Seconds since 1970 of any of the three forms that RFC 9110 §5.6.7 has recipients accept.
///
/// `None` for anything else and for moments before 1970. The name of the weekday must be one; that
/// it is the right one is not asked. Two digits of a year mean 1970 to 2069.
pub fn parse_http_date(text: &[u8]) -> Option<u64> {
    let civil = parse_imf_fixdate(text).or_else(|| parse_rfc850(text)).or_else(|| parse_asctime(text))?;
    unix_from_civil(civil)
}

/// Milliseconds since 1970 of a date and time with its offset, as RFC 3339 §5.6 has it; digits
/// beyond the milliseconds are dropped. `None` for anything else and for moments before 1970.
pub fn parse_rfc3339(text: &[u8]) -> Option<u64> {
    let (date, rest) = text.split_at_checked(19)?;
    let [.., b'-', _, _, b'-', _, _, b'T' | b't', _, _, _, _, _, _, _, _] = date else { return None };
    let (hour, minute, second) = parse_time(&date[11..])?;
    let civil = Civil {
        year: digits(&date[..4])?,
        month: digits(&date[5..7])?,
        day: digits(&date[8..10])?,
        hour,
        minute,
        second,
    };
    let (fraction_ms, zone) = parse_fraction(rest)?;
    let local_ms = unix_from_civil(civil)?.checked_mul(SECOND_MS)? + fraction_ms;
    match zone {
        b"Z" | b"z" => Some(local_ms),
        [sign @ (b'+' | b'-'), offset @ ..] => {
            let offset_ms = parse_offset_s(offset)? * SECOND_MS;
            if *sign == b'+' { local_ms.checked_sub(offset_ms) } else { Some(local_ms + offset_ms) }
        }
        _ => None,
    }
}

/// A fraction of a second, if there is one, and what follows it.
fn parse_fraction(text: &[u8]) -> Option<(u64, &[u8])> {
    let [b'.', rest @ ..] = text else { return Some((0, text)) };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, zone) = rest.split_at(count);
    let mut ms = [b'0'; 3];
    for (to, from) in ms.iter_mut().zip(fraction) {
        *to = *from;
    }
    if count == 0 { None } else { Some((digits(&ms)?, zone)) }
}

fn parse_offset_s(text: &[u8]) -> Option<u64> {
    let [_, _, b':', _, _] = text else { return None };
    let (hour, minute) = (digits(&text[..2])?, digits(&text[3..])?);
    (hour < 24 && minute < 60).then_some((hour * 60 + minute) * 60)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn parse_imf_fixdate(text: &[u8]) -> Option<Civil> {
    let [w0, w1, w2, b',', b' ', d0, d1, b' ', m0, m1, m2, b' ', year @ .., b' ', b'G', b'M', b'T'] = text else {
        return None;
    };
    weekday(&[*w0, *w1, *w2])?;
    let (year, time) = split_at_space(year)?;
    civil(digits_of(year, 4)?, month(&[*m0, *m1, *m2])?, digits(&[*d0, *d1])?, time)
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`.
fn parse_rfc850(text: &[u8]) -> Option<Civil> {
    let comma = text.iter().position(|&byte| byte == b',')?;
    LONG_WEEKDAYS.iter().find(|name| **name == &text[..comma])?;
    let [b',', b' ', d0, d1, b'-', m0, m1, m2, b'-', y0, y1, b' ', time @ .., b' ', b'G', b'M', b'T'] = &text[comma..]
    else {
        return None;
    };
    let year = digits(&[*y0, *y1])?;
    let century = if year < 70 { 2000 } else { 1900 };
    civil(century + year, month(&[*m0, *m1, *m2])?, digits(&[*d0, *d1])?, time)
}

/// `Sun Nov  6 08:49:37 1994`.
fn parse_asctime(text: &[u8]) -> Option<Civil> {
    let [w0, w1, w2, b' ', m0, m1, m2, b' ', d0, d1, b' ', rest @ ..] = text else { return None };
    weekday(&[*w0, *w1, *w2])?;
    let (time, year) = split_at_space(rest)?;
    let day = if *d0 == b' ' { digits(&[*d1])? } else { digits(&[*d0, *d1])? };
    civil(digits_of(year, 4)?, month(&[*m0, *m1, *m2])?, day, time)
}

fn civil(year: u64, month: u64, day: u64, time: &[u8]) -> Option<Civil> {
    let (hour, minute, second) = parse_time(time)?;
    Some(Civil { year, month, day, hour, minute, second })
}

fn weekday(name: &[u8; 3]) -> Option<&'static &'static [u8; 3]> {
    WEEKDAYS.iter().find(|known| **known == name)
}

fn month(name: &[u8; 3]) -> Option<u64> {
    MONTHS.iter().position(|known| *known == name).map(|index| index as u64 + 1)
}

fn split_at_space(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|&byte| byte == b' ')?;
    Some((&text[..at], &text[at + 1..]))
}

/// `08:49:37`.
fn parse_time(text: &[u8]) -> Option<(u64, u64, u64)> {
    let [_, _, b':', _, _, b':', _, _] = text else { return None };
    Some((digits(&text[..2])?, digits(&text[3..5])?, digits(&text[6..])?))
}

fn digits_of(text: &[u8], count: usize) -> Option<u64> {
    if text.len() == count { digits(text) } else { None }
}

/// A decimal number of a few digits.
fn digits(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u64::from(byte - b'0')))
}

/// The last digits of `number`, as many as `text` has room for.
fn write_digits(text: &mut [u8], mut number: u64) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn write_time(text: &mut [u8], civil: Civil) {
    write_digits(&mut text[..2], civil.hour);
    write_digits(&mut text[3..5], civil.minute);
    write_digits(&mut text[6..], civil.second);
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// Days of `year` before the first of `month`; month 13 gives those of the whole year.
fn days_before_month(year: u64, month: u64) -> u64 {
    const BEFORE: [u64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
    BEFORE[month as usize - 1] + u64::from(month > 2 && is_leap(year))
}

/// Days from year 0 to the first of January of `year`.
fn days_before_year(year: u64) -> u64 {
    match year.checked_sub(1) {
        None => 0,
        Some(last) => year * 365 + last / 4 - last / 100 + last / 400 + 1,
    }
}

const DAYS_TO_1970: u64 = 719_528;

/// `None` for a date that no calendar has, and before 1970. A 60th second, which only a leap second
/// has, is the first of the next minute.
fn unix_from_civil(civil: Civil) -> Option<u64> {
    let Civil { year, month, day, hour, minute, second } = civil;
    if !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 60 || year > 9999 {
        return None;
    }
    let before = days_before_month(year, month);
    if !(1..=days_before_month(year, month + 1) - before).contains(&day) {
        return None;
    }
    let days = (days_before_year(year) + before + day - 1).checked_sub(DAYS_TO_1970)?;
    Some(days * DAY_S + hour * 3600 + minute * 60 + second)
}

fn civil_from_unix(unix_s: u64) -> Civil {
    let days = unix_s / DAY_S + DAYS_TO_1970;
    let year = year_of(days);
    let day_of_year = days - days_before_year(year);
    let month = month_of(year, day_of_year);
    let in_day = unix_s % DAY_S;
    Civil {
        year,
        month,
        day: day_of_year - days_before_month(year, month) + 1,
        hour: in_day / 3600,
        minute: in_day / 60 % 60,
        second: in_day % 60,
    }
}

/// The year that day number `days` (from year 0) lies in. The guess by the mean length of a year is
/// off by one at most.
fn year_of(days: u64) -> u64 {
    let guess = days * 400 / 146_097;
    if days < days_before_year(guess) {
        guess - 1
    } else if days >= days_before_year(guess + 1) {
        guess + 1
    } else {
        guess
    }
}

/// The month that day `day` (from 0) of `year` lies in. No month is longer than 31 days nor shorter
/// than 28, so the guess is this month or the one before.
fn month_of(year: u64, day: u64) -> u64 {
    let guess = day / 32 + 1;
    guess + u64::from(day >= days_before_month(year, guess + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use proptest::prelude::*;

    const SAMPLE_S: u64 = 784_111_777;

    #[test]
    fn the_example_of_the_rfc_in_its_three_forms() {
        assert_eq!(&http_date(SAMPLE_S), b"Sun, 06 Nov 1994 08:49:37 GMT");
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            assert_eq!(parse_http_date(text.as_bytes()), Some(SAMPLE_S), "{text}");
        }
    }

    #[test]
    fn known_moments() {
        for (unix_s, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
            (1_795_255_200, "Sat, 21 Nov 2026 10:00:00 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
            (LAST_S, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] {
            assert_eq!(http_date(unix_s), text.as_bytes(), "{text}");
            assert_eq!(parse_http_date(text.as_bytes()), Some(unix_s), "{text}");
        }
        assert_eq!(http_date(u64::MAX), http_date(LAST_S));
        assert_eq!(rfc3339(u64::MAX), *b"9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn every_day_of_eleven_centuries_follows_the_one_before() {
        let mut expected = (1970, 1, 1);
        for day in 0..400_000 {
            let civil = civil_from_unix(day * DAY_S);
            let (year, month, date) = expected;
            assert_eq!((civil.year, civil.month, civil.day), expected);
            assert_eq!(unix_from_civil(civil), Some(day * DAY_S));
            let last = match month {
                2 if is_leap(year) => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            expected = match (month, date == last) {
                (_, false) => (year, month, date + 1),
                (12, true) => (year + 1, 1, 1),
                (_, true) => (year, month + 1, 1),
            };
        }
    }

    #[test]
    fn what_is_no_http_date() {
        for text in [
            "",
            "0",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "sun, 06 Nov 1994 08:49:37 GMT",
            "Son, 06 Nov 1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 06 Nov 19940 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 29 Feb 1900 08:49:37 GMT",
            "Sun, 29 Feb 2023 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 06 Nov 1994 08:49:+7 GMT",
            "Wed, 31 Dec 1969 23:59:59 GMT",
            "Sun, 06-Nov-94 08:49:37 GMT",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
            "Sun Nov 6 08:49:37 1994",
            "Sun Nov  6 08:49:37 94",
        ] {
            assert_eq!(parse_http_date(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn two_digits_of_a_year_mean_the_nearer_century() {
        let year = |text: &str| parse_http_date(text.as_bytes()).map(|unix_s| civil_from_unix(unix_s).year);
        assert_eq!(year("Thursday, 01-Jan-70 00:00:00 GMT"), Some(1970));
        assert_eq!(year("Tuesday, 01-Jan-69 00:00:00 GMT"), Some(2069));
    }

    #[test]
    fn a_leap_second_is_the_start_of_the_next_minute() {
        assert_eq!(
            parse_http_date(b"Sat, 31 Dec 2016 23:59:60 GMT"),
            parse_http_date(b"Sun, 01 Jan 2017 00:00:00 GMT")
        );
    }

    #[test]
    fn rfc_3339_in_its_variants() {
        assert_eq!(&rfc3339(1_795_255_200_000), b"2026-11-21T10:00:00.000Z");
        for (text, unix_ms) in [
            ("2026-11-21T10:00:00.000Z", 1_795_255_200_000),
            ("2026-11-21t10:00:00z", 1_795_255_200_000),
            ("2026-11-21T10:00:00.1Z", 1_795_255_200_100),
            ("2026-11-21T10:00:00.123987Z", 1_795_255_200_123),
            ("2026-11-21T11:30:00+01:30", 1_795_255_200_000),
            ("2026-11-21T08:30:00.5-01:30", 1_795_255_200_500),
            ("1970-01-01T01:00:00+01:00", 0),
        ] {
            assert_eq!(parse_rfc3339(text.as_bytes()), Some(unix_ms), "{text}");
        }
    }

    #[test]
    fn what_is_no_rfc_3339() {
        for text in [
            "",
            "2026-11-21",
            "2026-11-21T10:00:00",
            "2026-11-21 10:00:00Z",
            "2026-11-21T10:00Z",
            "2026-11-21T10:00:00.Z",
            "2026-11-21T10:00:00,5Z",
            "2026-11-21T10:00:00ZZ",
            "2026-11-21T10:00:00+0100",
            "2026-11-21T10:00:00+24:00",
            "2026-11-21T10:00:00+01:60",
            "2026-13-21T10:00:00Z",
            "2026-02-29T10:00:00Z",
            "2026-1x-21T10:00:00Z",
            "+026-11-21T10:00:00Z",
            "1970-01-01T00:59:59+01:00",
            "1969-12-31T23:59:59Z",
        ] {
            assert_eq!(parse_rfc3339(text.as_bytes()), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(unix_ms in 0..=LAST_S * SECOND_MS + 999) {
            let unix_s = unix_ms / SECOND_MS;
            prop_assert_eq!(parse_rfc3339(&rfc3339(unix_ms)), Some(unix_ms));
            prop_assert_eq!(parse_http_date(&http_date(unix_s)), Some(unix_s));
            let civil = civil_from_unix(unix_s);
            let text = http_date(unix_s);
            let weekday = core::str::from_utf8(&text[..3]).unwrap();
            let month = core::str::from_utf8(&text[8..11]).unwrap();
            let Civil { year, day, hour, minute, second, .. } = civil;
            let asctime = format!("{weekday} {month} {day:2} {hour:02}:{minute:02}:{second:02} {year:04}");
            prop_assert_eq!(parse_http_date(asctime.as_bytes()), Some(unix_s));
        }

        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            parse_http_date(&bytes);
            parse_rfc3339(&bytes);
        }
    }
}
