//! Reading the embedded files: unpacking, splitting into records, numbers that must be there.
//!
//! The files are part of the program, so a malformed one is a bug and panics; what users supply goes through
//! [`super::load_trace`], which returns errors instead.

use std::io::Read;
use std::str::FromStr;

/// Unpacks an embedded gzip file.
///
/// # Panics
/// If the embedded bytes are not valid gzip or not UTF-8, which the tests of this room rule out.
pub(super) fn unpack(gz: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(gz).read_to_string(&mut text).expect("embedded file unpacks");
    text
}

/// The records of an embedded CSV file behind its header row.
///
/// # Panics
/// If the file is not well-formed CSV.
pub(super) fn records(text: &str) -> Vec<csv::StringRecord> {
    csv::Reader::from_reader(text.as_bytes()).into_records().map(|r| r.expect("embedded CSV is well-formed")).collect()
}

/// Field `i` of a record as a number.
///
/// # Panics
/// If the field is not one.
pub(super) fn num<T: FromStr>(record: &csv::StringRecord, i: usize) -> T {
    match record[i].trim().parse() {
        Ok(v) => v,
        Err(_) => panic!("embedded file: `{}` in column {i} of {record:?} is not a number", &record[i]),
    }
}

/// Field `i` as a number, `None` when blank.
///
/// # Panics
/// If the field is neither blank nor a number.
pub(super) fn opt_num<T: FromStr>(record: &csv::StringRecord, i: usize) -> Option<T> {
    if record[i].trim().is_empty() { None } else { Some(num(record, i)) }
}
