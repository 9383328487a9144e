//! Turns the schemas and the table of constants into `layout.rs`: no offset is typed by hand.
//!
//! Sizes, offsets and the layout hash are worked out here by the rules of spec/layout.md, so that
//! the hash of that text proves that both read the schemas in the same way.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::{env, fs, path::Path};

const SCHEMAS: [&str; 3] = ["common", "segment", "ring"];

/// A field or an enumerator: name, type (empty for enumerators), offset or number, size.
type Row = (String, String, u64, u64);

struct Item {
    name: String,
    /// `struct SIZE` or `enum TYPE`, as the canonical text has it.
    kind: &'static str,
    what: String,
    rows: Vec<Row>,
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut parser = Parser { types: BTreeMap::new(), items: Vec::new() };
    for (name, size) in [("ubyte", 1), ("ushort", 2), ("uint", 4), ("ulong", 8), ("bool", 1)] {
        parser.types.insert(name.to_string(), (size, size));
    }
    for schema in SCHEMAS {
        parser.schema(&read(&root.join(format!("codec/schema/{schema}.fbs"))));
    }
    let mut out = constants(&read(&root.join("spec/layout.md")));
    parser.items.iter().for_each(|item| emit(item, &mut out));
    structures(&parser.items, &mut out);
    writeln!(out, "/// The hash of the layout, worked out from the schemas.").unwrap();
    writeln!(out, "pub const LAYOUT_HASH: u64 = {:#x};", hash(&parser.items)).unwrap();
    let target = Path::new(&env::var("OUT_DIR").expect("cargo sets OUT_DIR")).join("layout.rs");
    fs::write(target, out).expect("write layout.rs");
}

fn read(path: &Path) -> String {
    println!("cargo::rerun-if-changed={}", path.display());
    fs::read_to_string(path).unwrap_or_else(|e| panic!("read {}: {e}", path.display()))
}

/// Words, numbers and single signs; comments and the texts in quotes are left out.
fn tokens(text: &str) -> Vec<String> {
    let mut list = Vec::new();
    for line in text.lines() {
        let mut word = String::new();
        let mut quoted = false;
        let mut before = ' ';
        for c in line.chars().chain([' ']) {
            if c == '"' {
                quoted = !quoted;
            } else if !quoted && c == '/' && before == '/' {
                list.pop();
                break;
            } else if !quoted && (c.is_alphanumeric() || c == '_') {
                word.push(c);
            } else if !quoted {
                if !word.is_empty() {
                    list.push(std::mem::take(&mut word));
                }
                if !c.is_whitespace() {
                    list.push(c.to_string());
                }
            }
            before = c;
        }
    }
    list
}

struct Parser {
    /// Size and alignment by name.
    types: BTreeMap<String, (u64, u64)>,
    items: Vec<Item>,
}

impl Parser {
    fn schema(&mut self, text: &str) {
        let list = tokens(text);
        let mut at = 0;
        while at < list.len() {
            let end = match list[at].as_str() {
                "struct" | "enum" => close(&list, at, "}"),
                _ => close(&list, at, ";"),
            };
            match list[at].as_str() {
                "struct" => self.structure(&list[at + 1..end]),
                "enum" => self.enumeration(&list[at + 1..end]),
                _ => (),
            }
            at = end + 1;
        }
    }

    /// `NAME { field : type ( attributes ) ; ...`, naturally aligned.
    fn structure(&mut self, list: &[String]) {
        let (mut offset, mut align, mut rows) = (0u64, 1u64, Vec::new());
        for field in list[2..].split(|t| t == ";").filter(|f| f.len() >= 3) {
            let (size, own) = self.types[&field[2]];
            offset = offset.next_multiple_of(own);
            rows.push((field[0].clone(), field[2].clone(), offset, size));
            offset += size;
            align = align.max(own);
        }
        let size = offset.next_multiple_of(align);
        self.types.insert(list[0].clone(), (size, align));
        self.items.push(Item { name: list[0].clone(), kind: "struct", what: size.to_string(), rows });
    }

    /// `NAME : type ( bit_flags ) { A = 1 , B = 2 ...`
    fn enumeration(&mut self, list: &[String]) {
        let flags = list.iter().any(|t| t == "bit_flags");
        let open = list.iter().position(|t| t == "{").expect("an enum has a body");
        let (mut next, mut rows) = (0u64, Vec::new());
        for value in list[open + 1..].split(|t| t == ",").filter(|v| !v.is_empty()) {
            let number = value.get(2).map_or(next, |n| n.parse().expect("a number"));
            next = number + 1;
            rows.push((value[0].clone(), String::new(), if flags { 1 << number } else { number }, 0));
        }
        rows.sort_by_key(|r| r.2);
        self.types.insert(list[0].clone(), self.types[&list[2]]);
        self.items.push(Item { name: list[0].clone(), kind: "enum", what: list[2].clone(), rows });
    }
}

fn close(list: &[String], from: usize, sign: &str) -> usize {
    from + list[from..].iter().position(|t| t == sign).expect("an end")
}

/// FNV-1a 64 of the canonical text.
fn hash(items: &[Item]) -> u64 {
    let mut texts: Vec<String> = items.iter().map(canonical).collect();
    texts.sort();
    let step = |h: u64, b: u8| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3);
    texts.concat().bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

fn canonical(item: &Item) -> String {
    let mut text = format!("{} {} {}\n", item.kind, item.name, item.what);
    for (name, kind, at, size) in &item.rows {
        match kind.as_str() {
            "" => writeln!(text, " {name} {at}").unwrap(),
            _ => writeln!(text, " {name} {kind} {at} {size}").unwrap(),
        }
    }
    text
}

fn emit(item: &Item, out: &mut String) {
    let unit = if item.kind == "struct" { "usize" } else { "u64" };
    writeln!(out, "/// {} of the schemas.", item.name).unwrap();
    writeln!(out, "#[allow(missing_docs)]\npub mod {} {{", snake(&item.name)).unwrap();
    if item.kind == "struct" {
        writeln!(out, "pub const SIZE: usize = {};", item.what).unwrap();
    }
    for (name, _, at, _) in &item.rows {
        writeln!(out, "pub const {}: {unit} = {at};", snake(name).to_uppercase()).unwrap();
    }
    out.push_str("}\n");
}

/// A table of all structs, for who looks at any of them.
fn structures(items: &[Item], out: &mut String) {
    out.push_str("/// Every struct: name, size, and of its fields the name, type, offset and size.\n");
    out.push_str("#[allow(clippy::type_complexity)]\n");
    out.push_str("pub const STRUCTS: &[(&str, usize, &[(&str, &str, usize, usize)])] = &[\n");
    for item in items.iter().filter(|item| item.kind == "struct") {
        writeln!(out, "({:?}, {}, &{:?}),", item.name, item.what, item.rows).unwrap();
    }
    out.push_str("];\n");
}

/// The rows of the table under "Constants" of spec/layout.md.
fn constants(text: &str) -> String {
    let table = text.split("## Constants").nth(1).and_then(|t| t.split("\n## ").next());
    let mut out = String::new();
    for line in table.expect("layout.md has its constants").lines() {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if cells.len() < 4 || !cells[2].starts_with(|c: char| c.is_ascii_digit()) {
            continue;
        }
        writeln!(out, "/// {}", cells[3]).unwrap();
        writeln!(out, "pub const {}: u64 = {};", snake(cells[1]).to_uppercase(), cells[2]).unwrap();
    }
    out
}

/// `SegmentIDBits` becomes `segment_id_bits`.
fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (i, c) in chars.iter().enumerate() {
        let after_small = i > 0 && !chars[i - 1].is_uppercase() && chars[i - 1] != '_';
        let before_small = i > 0 && chars.get(i + 1).is_some_and(|n| n.is_lowercase());
        if c.is_uppercase() && (after_small || before_small && chars[i - 1] != '_') {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}
