//! Dates as HTTP writes them (RFC 9110 §5.6.7) and as JSON documents do (RFC 3339).
//!
//! Proleptic Gregorian calendar, UTC, no leap seconds. Years end with 9999: beyond it both formats
//! have no words, and the last second of that year stands for all later ones.

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
