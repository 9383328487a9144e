//! Every golden image of a struct that this implementation knows, read by the offsets that it works out.
#![allow(missing_docs)]

use ringcast_from_spec::layout::STRUCTS;
use std::fmt::Write;
use std::fs;
use std::path::Path;

/// The scalars of a struct as `PATH VALUE`, a line each.
fn lines(name: &str, path: &str, bytes: &[u8], out: &mut String) {
    let fields = STRUCTS.iter().find(|s| s.0 == name).expect("a struct of the schemas").2;
    for (field, kind, at, size) in fields {
        let part = &bytes[*at..at + size];
        if STRUCTS.iter().any(|s| s.0 == *kind) {
            lines(kind, &format!("{path}{field}."), part, out);
            continue;
        }
        let mut word = [0; 8];
        word[..*size].copy_from_slice(part);
        writeln!(out, "{path}{field} {}", u64::from_le_bytes(word)).unwrap();
    }
}

#[test]
fn every_struct_reads_as_it_was_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../codec/golden/testdata");
    for (name, size, _) in STRUCTS {
        let bytes = fs::read(folder.join(format!("{name}.bin"))).unwrap();
        let want = fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap();
        assert_eq!(bytes.len(), *size, "{name}");
        let mut got = String::new();
        lines(name, "", &bytes, &mut got);
        assert_eq!(got, want, "{name}");
    }
    assert!(STRUCTS.len() > 15, "only {} structs", STRUCTS.len());
}
