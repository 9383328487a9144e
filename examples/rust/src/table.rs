//! FlatBuffers tables without generated code: a reader that takes nothing on trust, and a writer
//! that goes forward through a span of bytes, such as a claimed slot.

/// A table in bytes that somebody else wrote. Offsets are checked as they are followed.
#[derive(Clone, Copy)]
pub struct Table<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Table<'a> {
    /// The root table of a buffer.
    pub fn root(bytes: &'a [u8]) -> Option<Table<'a>> {
        Some(Table { bytes, at: forward(bytes, 0)? })
    }

    /// Where field `n` lies; Some(None): it is left out.
    fn field(&self, n: usize) -> Option<Option<usize>> {
        let back = number(self.bytes, self.at, 4)? as u32;
        let vtable = usize::try_from(self.at as i64 - i64::from(back as i32)).ok()?;
        if (number(self.bytes, vtable, 2)? as usize) < 6 + 2 * n {
            return Some(None);
        }
        let offset = number(self.bytes, vtable + 4 + 2 * n, 2)? as usize;
        Some((offset != 0).then_some(self.at + offset))
    }

    /// A number of that many bytes; 0 if it is left out.
    pub fn number(&self, n: usize, size: usize) -> Option<u64> {
        self.field(n)?.map_or(Some(0), |at| number(self.bytes, at, size))
    }

    /// A text; it must be there, and end with a zero.
    pub fn text(&self, n: usize) -> Option<&'a str> {
        let at = forward(self.bytes, self.field(n)??)?;
        let (begin, length) = (at + 4, number(self.bytes, at, 4)? as usize);
        let end = begin.checked_add(length)?;
        let closed = *self.bytes.get(end)? == 0;
        std::str::from_utf8(self.bytes.get(begin..end)?).ok().filter(|_| closed)
    }

    /// The tables of a vector; none if it is left out.
    pub fn tables(&self, n: usize) -> Option<Vec<Table<'a>>> {
        let Some(at) = self.field(n)? else { return Some(Vec::new()) };
        let at = forward(self.bytes, at)?;
        let count = number(self.bytes, at, 4)? as usize;
        if count > self.bytes.len() / 4 {
            return None;
        }
        (0..count).map(|i| Some(Table { bytes: self.bytes, at: forward(self.bytes, at + 4 + 4 * i)? })).collect()
    }
}

fn number(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    let mut word = [0; 8];
    word[..size].copy_from_slice(bytes.get(at..at.checked_add(size)?)?);
    Some(u64::from_le_bytes(word))
}

/// Where the offset at `at` leads: upwards, within the buffer.
fn forward(bytes: &[u8], at: usize) -> Option<usize> {
    let target = at.checked_add(number(bytes, at, 4)? as usize)?;
    (target > at && target < bytes.len()).then_some(target)
}

/// Writes from the front: a table behind its vtable, what it leads to behind it. What does not fit
/// is left out, and `finish` says so.
pub struct Writer<'a> {
    out: &'a mut [u8],
    length: usize,
}

impl<'a> Writer<'a> {
    /// A buffer whose root is the first table that is written.
    pub fn new(out: &'a mut [u8]) -> Writer<'a> {
        let mut writer = Writer { out, length: 0 };
        writer.append(0, 4);
        writer
    }

    fn put(&mut self, at: usize, value: u64, size: usize) {
        if let Some(place) = self.out.get_mut(at..at + size) {
            place.copy_from_slice(&value.to_le_bytes()[..size]);
        }
    }

    fn append(&mut self, value: u64, size: usize) {
        self.put(self.length, value, size);
        self.length += size;
    }

    fn align(&mut self, to: usize) {
        while self.length % to != 0 {
            self.append(0, 1);
        }
    }

    /// Makes the offset at `from` lead to the end.
    fn lead(&mut self, from: usize) {
        self.put(from, (self.length - from) as u64, 4);
    }

    /// Writes a table to which the offset at `from` leads (0: the root). A field is a number with
    /// its size, or `OFFSET`, to be led somewhere by its place. Returns the places of the fields.
    pub fn table<const N: usize>(&mut self, from: usize, fields: [(u64, usize); N]) -> [usize; N] {
        self.align(8);
        let vtable = self.length;
        let start = (vtable + 4 + 2 * N).next_multiple_of(8);
        let (mut next, mut places) = (start + 4, [0; N]);
        for (place, (_, size)) in places.iter_mut().zip(fields) {
            *place = next.next_multiple_of(size);
            next = *place + size;
        }
        self.append(4 + 2 * N as u64, 2);
        self.append((next - start) as u64, 2);
        places.iter().for_each(|place| self.append((place - start) as u64, 2));
        while self.length < next {
            self.append(0, 1);
        }
        self.put(start, (start - vtable) as u64, 4);
        self.put(from, (start - from) as u64, 4);
        for (place, (value, size)) in places.iter().zip(fields) {
            self.put(*place, value, size);
        }
        places
    }

    /// Writes a text to which the offset at `from` leads.
    pub fn text(&mut self, from: usize, text: &str) {
        self.align(4);
        self.lead(from);
        self.append(text.len() as u64, 4);
        text.bytes().for_each(|b| self.append(b.into(), 1));
        self.append(0, 1);
    }

    /// Writes a vector of tables to which the offset at `from` leads; returns the place of the first.
    pub fn vector(&mut self, from: usize, count: usize) -> usize {
        self.align(4);
        self.lead(from);
        self.append(count as u64, 4);
        (0..count).for_each(|_| self.append(0, 4));
        self.length - 4 * count
    }

    /// Bytes written; None: they did not fit.
    pub fn finish(mut self) -> Option<usize> {
        self.align(8);
        (self.length <= self.out.len()).then_some(self.length)
    }
}

/// A field that leads to a text or a vector.
pub const OFFSET: (u64, usize) = (0, 4);
