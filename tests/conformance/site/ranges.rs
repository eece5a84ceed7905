//! Parts of files, one or several.

use super::files::{BLOB_BYTES, SMALL_BYTES, blob, small};
use super::{Answer, Site};

/// A part as `multipart/byteranges` has it: media type, `Content-Range`, bytes.
type Part = (String, String, Vec<u8>);

/// Reads the parts by RFC 2046 §5.1.1, and nothing else may be there.
fn parts(answer: &Answer) -> Vec<Part> {
    let kind = answer.field("content-type").expect("a type");
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=\"").and_then(|rest| rest.strip_suffix('"'));
    let delimiter = format!("\r\n--{}", boundary.unwrap_or_else(|| panic!("{kind}"))).into_bytes();
    // The first delimiter has no line to end.
    let body = [b"\r\n", answer.body.as_slice()].concat();
    let mut rest = body.strip_prefix(delimiter.as_slice()).expect("it begins with a delimiter");
    let mut parts = Vec::new();
    while let Some(inside) = rest.strip_prefix(b"\r\n") {
        let end = find(inside, &delimiter).expect("a part ends with a delimiter");
        parts.push(part(&inside[..end]));
        rest = &inside[end + delimiter.len()..];
    }
    assert_eq!(rest, b"--\r\n");
    parts
}

fn part(bytes: &[u8]) -> Part {
    let end = find(bytes, b"\r\n\r\n").expect("a head ends with an empty line");
    let head = std::str::from_utf8(&bytes[..end]).expect("a head is text");
    let fields: Vec<&str> = head.split("\r\n").collect();
    let [kind, range] = fields[..] else { panic!("{head}") };
    let kind = kind.strip_prefix("Content-Type: ").expect("the type first");
    let range = range.strip_prefix("Content-Range: ").expect("then the range");
    (kind.to_owned(), range.to_owned(), bytes[end + 4..].to_vec())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[test]
fn one_range_is_one_part() {
    let site = Site::start();
    for (path, whole) in [("/files/blob.bin", blob()), ("/files/small.bin", small())] {
        let length = whole.len();
        let last = length - 1;
        for (range, start, end) in [
            ("0-0", 0, 1),
            ("0-99", 0, 100),
            ("99-99", 99, 100),
            ("70000-", 70_000, length),
            ("-500", length - 500, length),
            ("-99999999", 0, length),
            ("5-99999999999", 5, length),
            (&format!("{last}-"), last, length),
            (&format!("{last}-{last}"), last, length),
            (" 3-4", 3, 5),
            ("0-9,5-19", 0, 20),
            ("0-9,20-29", 0, 30),
            ("50-59,99999999-", 50, 60),
        ] {
            let answer = site.curl(&["-r", range], path);
            assert_eq!(answer.status, 206, "{path} {range}");
            let told = format!("bytes {start}-{}/{length}", end - 1);
            assert_eq!(answer.field("content-range"), Some(told.as_str()), "{path} {range}");
            assert_eq!(answer.field("content-length"), Some((end - start).to_string().as_str()), "{path} {range}");
            assert_eq!(answer.field("accept-ranges"), Some("bytes"));
            assert!(answer.body == whole[start..end], "{path} {range}");
        }
    }
}

#[test]
fn several_ranges_are_parts_in_the_order_they_were_asked_for() {
    let site = Site::start();
    for (path, whole) in [("/files/blob.bin", blob()), ("/files/small.bin", small())] {
        let length = whole.len();
        for (range, expected) in [
            ("0-99,2000-2099,-100", vec![0..100, 2000..2100, length - 100..length]),
            ("2000-2099, 0-99", vec![2000..2100, 0..100]),
            ("0-0,-1,99999999-", vec![0..1, length - 1..length]),
            ("90000-,10-19,15-29", vec![90_000..length, 10..30]),
        ] {
            let answer = site.curl(&["-r", range], path);
            assert_eq!((answer.status, answer.field("content-range")), (206, None), "{path} {range}");
            assert_eq!(answer.field("content-length"), Some(answer.body.len().to_string().as_str()));
            let expected: Vec<Part> = expected
                .into_iter()
                .map(|part| {
                    let told = format!("bytes {}-{}/{length}", part.start, part.end - 1);
                    ("application/octet-stream".to_owned(), told, whole[part].to_vec())
                })
                .collect();
            assert!(parts(&answer) == expected, "{path} {range}");
        }
    }
}

#[test]
fn what_is_not_there_cannot_be_had() {
    let site = Site::start();
    for (path, length) in [("/files/blob.bin", BLOB_BYTES), ("/files/small.bin", SMALL_BYTES)] {
        for range in [format!("{length}-"), "99999999-99999999".into(), "-0".into(), "99999999-,88888888-".into()] {
            let answer = site.curl(&["-r", &range], path);
            assert_eq!(answer.status, 416, "{path} {range}");
            assert_eq!(answer.field("content-range"), Some(format!("bytes */{length}").as_str()), "{path} {range}");
        }
    }
    assert_eq!(site.curl(&["-r", "0-"], "/files/empty.txt").status, 416);
}

#[test]
fn what_is_no_range_is_ignored() {
    let site = Site::start();
    let many = (0..17).map(|number| format!("{}-{}", number * 1000, number * 1000)).collect::<Vec<_>>().join(",");
    for range in
        ["bytes=9-3", "bytes=", "bytes=a-b", "bytes=-", "lines=0-1", "bytes 0-1", "rubbish", &format!("bytes={many}")]
    {
        let answer = site.with("/files/small.bin", &[&format!("Range: {range}")]);
        assert_eq!((answer.status, answer.field("content-range")), (200, None), "{range}");
        assert!(answer.body == small(), "{range}");
    }
    // Sixteen are not too many.
    let fewer = many.rsplit_once(',').expect("there are several").0;
    assert_eq!(parts(&site.curl(&["-r", fewer], "/files/small.bin")).len(), 16);
    // Ranges belong to GET alone, and to what offers them.
    assert_eq!(site.curl(&["-I", "-H", "Range: bytes=0-1"], "/files/small.bin").status, 200);
    assert_eq!(site.curl(&["-r", "0-1", "-d", "abcdef"], "/echo").body, b"abcdef");
}

#[test]
fn curl_resumes_a_download() {
    let site = Site::start();
    std::fs::write(site.file("part"), &blob()[..700_000]).expect("the temp dir is writable");
    let url = site.url("/files/blob.bin");
    let args = ["-q", "-sS", "--max-time", "30", "-C", "-", "-o", "part", "-w", "%{http_code} %{size_download}", &url];
    let told = crate::run_in(site.root(), std::path::Path::new("curl"), &args);
    assert_eq!(told.stdout, format!("206 {}", BLOB_BYTES - 700_000));
    assert!(std::fs::read(site.file("part")).expect("curl wrote it") == blob());
}
