//! libnghttp2, by its C interface. It hands out one field after the other and keeps none; what it
//! costs to keep them is measured too.

use std::ffi::{c_int, c_void};
use std::hint::black_box;
use std::ptr;

use h2_sync::Headers;

use crate::{Blocks, Sections};

/// `nghttp2_nv`: a field.
#[repr(C)]
pub struct Field {
    name: *const u8,
    value: *const u8,
    name_len: usize,
    value_len: usize,
    flags: u8,
}

const INFLATE_FINAL: c_int = 0x01;
const INFLATE_EMIT: c_int = 0x02;
/// What both sides of a connection start with.
const TABLE_SIZE: usize = 4096;

#[link(name = "nghttp2")]
unsafe extern "C" {
    fn nghttp2_hd_deflate_new(deflater: *mut *mut c_void, table_size: usize) -> c_int;
    fn nghttp2_hd_deflate_del(deflater: *mut c_void);
    fn nghttp2_hd_deflate_bound(deflater: *mut c_void, fields: *const Field, count: usize)
    -> usize;
    fn nghttp2_hd_deflate_hd(
        deflater: *mut c_void,
        out: *mut u8,
        out_len: usize,
        fields: *const Field,
        count: usize,
    ) -> isize;
    fn nghttp2_hd_inflate_new(inflater: *mut *mut c_void) -> c_int;
    fn nghttp2_hd_inflate_del(inflater: *mut c_void);
    fn nghttp2_hd_inflate_hd2(
        inflater: *mut c_void,
        field: *mut Field,
        flags: *mut c_int,
        input: *const u8,
        input_len: usize,
        is_final: c_int,
    ) -> isize;
    fn nghttp2_hd_inflate_end_headers(inflater: *mut c_void) -> c_int;
}

pub fn decode(connections: &Blocks) -> usize {
    decode_each(connections, |field| {
        black_box(field);
    })
}

/// Copies all fields of a section into one buffer, and notes where each one lies.
pub fn decode_and_keep(connections: &Blocks) -> usize {
    let (mut text, mut lengths) = (Vec::with_capacity(4096), Vec::with_capacity(64));
    decode_each(connections, |field| match field {
        Some((name, value)) => {
            text.extend_from_slice(name);
            text.extend_from_slice(value);
            lengths.push((name.len(), value.len()));
        }
        None => {
            black_box((&text, &lengths));
            text.clear();
            lengths.clear();
        }
    })
}

/// Calls `on_field` for each field, and with `None` at the end of each block.
fn decode_each(connections: &Blocks, mut on_field: impl FnMut(Option<(&[u8], &[u8])>)) -> usize {
    let mut fields = 0;
    for blocks in connections {
        let mut inflater = Inflater::new();
        for block in blocks {
            inflater.decode(block, |name, value| {
                fields += 1;
                on_field(Some((name, value)));
            });
            on_field(None);
        }
    }
    fields
}

/// For each connection, the fields of its sections as libnghttp2 takes them. They borrow from the
/// sections.
pub struct Lists<'a> {
    connections: Vec<Vec<Vec<Field>>>,
    _sections: &'a Sections,
}

pub fn fields_of(connections: &Sections) -> Lists<'_> {
    let lists = |sections: &Vec<Headers>| sections.iter().map(fields).collect();
    Lists { connections: connections.iter().map(lists).collect(), _sections: connections }
}

fn fields(headers: &Headers) -> Vec<Field> {
    let field = |field: h2_sync::hpack::Field<'_>| Field {
        name: field.name.as_ptr(),
        value: field.value.as_ptr(),
        name_len: field.name.len(),
        value_len: field.value.len(),
        flags: 0,
    };
    headers.iter().map(field).collect()
}

pub fn encode(lists: &Lists<'_>) {
    let mut block = Vec::new();
    for lists in &lists.connections {
        let mut deflater = Deflater::new();
        for fields in lists {
            deflater.encode(fields, &mut block);
            black_box(&block);
        }
    }
}

/// The blocks of one connection.
pub fn encode_all(sections: &[Headers]) -> Vec<Vec<u8>> {
    let mut deflater = Deflater::new();
    let block = |headers: &Headers| {
        let mut block = Vec::new();
        deflater.encode(&fields(headers), &mut block);
        block
    };
    sections.iter().map(block).collect()
}

struct Deflater(*mut c_void);

impl Deflater {
    fn new() -> Self {
        let mut deflater = ptr::null_mut();
        // SAFETY: it writes a pointer to where it is told to.
        let result = unsafe { nghttp2_hd_deflate_new(&mut deflater, TABLE_SIZE) };
        assert_eq!(result, 0);
        Self(deflater)
    }

    fn encode(&mut self, fields: &[Field], block: &mut Vec<u8>) {
        block.clear();
        // SAFETY: the fields are those of living `Headers`, and the block has as much room as it
        // says.
        unsafe {
            block.reserve(nghttp2_hd_deflate_bound(self.0, fields.as_ptr(), fields.len()));
            let (out, room) = (block.as_mut_ptr(), block.capacity());
            let len = nghttp2_hd_deflate_hd(self.0, out, room, fields.as_ptr(), fields.len());
            block.set_len(len.try_into().unwrap());
        }
    }
}

impl Drop for Deflater {
    fn drop(&mut self) {
        // SAFETY: it was made by `nghttp2_hd_deflate_new`.
        unsafe { nghttp2_hd_deflate_del(self.0) }
    }
}

struct Inflater(*mut c_void);

impl Inflater {
    fn new() -> Self {
        let mut inflater = ptr::null_mut();
        // SAFETY: it writes a pointer to where it is told to.
        let result = unsafe { nghttp2_hd_inflate_new(&mut inflater) };
        assert_eq!(result, 0);
        Self(inflater)
    }

    fn decode(&mut self, block: &[u8], mut on_field: impl FnMut(&[u8], &[u8])) {
        let mut rest = block;
        let mut flags = 0;
        while flags & INFLATE_FINAL == 0 {
            let mut field = Field {
                name: ptr::null(),
                value: ptr::null(),
                name_len: 0,
                value_len: 0,
                flags: 0,
            };
            flags = 0;
            // SAFETY: it reads the input; name and value are valid until the next call.
            unsafe {
                let (input, len) = (rest.as_ptr(), rest.len());
                let used = nghttp2_hd_inflate_hd2(self.0, &mut field, &mut flags, input, len, 1);
                rest = &rest[usize::try_from(used).unwrap()..];
                if flags & INFLATE_EMIT != 0 {
                    let name = std::slice::from_raw_parts(field.name, field.name_len);
                    on_field(name, std::slice::from_raw_parts(field.value, field.value_len));
                }
            }
        }
        // SAFETY: as above.
        unsafe { nghttp2_hd_inflate_end_headers(self.0) };
    }
}

impl Drop for Inflater {
    fn drop(&mut self) {
        // SAFETY: it was made by `nghttp2_hd_inflate_new`.
        unsafe { nghttp2_hd_inflate_del(self.0) }
    }
}
