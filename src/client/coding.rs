//! Content codings of responses (RFC 9110, Section 8.4) and their decoders.

use std::io::{self, BufRead, Read};

use http::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};

#[cfg(feature = "brotli")]
use super::brotli::Brotli;
use super::config::Config;
#[cfg(feature = "gzip")]
use super::gzip::Members;
#[cfg(feature = "zstd")]
use super::zstd::Frames;
use crate::error::{Error, ErrorKind};

/// A content coding that the client can decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    #[cfg(feature = "gzip")]
    Gzip,
    #[cfg(feature = "brotli")]
    Brotli,
    #[cfg(feature = "zstd")]
    Zstd,
    /// No coding. Never requested; the only variant without the features.
    #[allow(dead_code)]
    Identity,
}

impl Coding {
    /// Returns the codings to request, in order of preference.
    fn wanted(config: &Config) -> impl Iterator<Item = (Coding, &'static str)> {
        let _ = config;
        let all: [Option<(Coding, &'static str)>; 3] = [
            #[cfg(feature = "brotli")]
            config.brotli.then_some((Coding::Brotli, "br")),
            #[cfg(not(feature = "brotli"))]
            None,
            #[cfg(feature = "zstd")]
            config.zstd.then_some((Coding::Zstd, "zstd")),
            #[cfg(not(feature = "zstd"))]
            None,
            #[cfg(feature = "gzip")]
            config.gzip.then_some((Coding::Gzip, "gzip")),
            #[cfg(not(feature = "gzip"))]
            None,
        ];
        all.into_iter().flatten()
    }

    /// Returns the value of `accept-encoding`; `None` if no coding is enabled.
    pub(super) fn accept(config: &Config) -> Option<HeaderValue> {
        let names: Vec<_> = Coding::wanted(config).map(|(_, name)| name).collect();
        HeaderValue::try_from(names.join(", ")).ok().filter(|names| !names.is_empty())
    }

    /// Returns the coding of a response, if it has exactly one and that was requested. Combinations
    /// are left to the caller.
    pub(super) fn of(headers: &HeaderMap, config: &Config) -> Option<Self> {
        let mut codings = headers.get_all(CONTENT_ENCODING).into_iter();
        let name = codings.next()?.as_bytes().trim_ascii();
        let name = if name.eq_ignore_ascii_case(b"x-gzip") { b"gzip" } else { name };
        let is_it = |own: &str| name.eq_ignore_ascii_case(own.as_bytes());
        let found = Coding::wanted(config).find(|(_, own)| is_it(own));
        found.filter(|_| codings.next().is_none()).map(|(coding, _)| coding)
    }
}

/// Decodes a body up to a maximum size.
#[derive(Debug)]
pub(super) struct Decoded<R: BufRead> {
    decoder: Decoder<R>,
    /// Octets that may still be returned.
    left: u64,
    limit: u64,
    /// The error that every further read returns.
    failed: Option<Error>,
}

#[derive(Debug)]
enum Decoder<R: BufRead> {
    #[cfg(feature = "gzip")]
    Gzip(Members<R>),
    // Boxed, since these two are several times as large as the others.
    #[cfg(feature = "brotli")]
    Brotli(Box<Brotli<R>>),
    #[cfg(feature = "zstd")]
    Zstd(Box<Frames<R>>),
    Plain(R),
}

impl<R: BufRead> Decoded<R> {
    pub(super) fn new(reader: R, coding: Coding, limit: u64) -> Self {
        let decoder = match coding {
            #[cfg(feature = "gzip")]
            Coding::Gzip => Decoder::Gzip(Members::new(reader)),
            #[cfg(feature = "brotli")]
            Coding::Brotli => Decoder::Brotli(Box::new(Brotli::new(reader))),
            #[cfg(feature = "zstd")]
            Coding::Zstd => Decoder::Zstd(Box::new(Frames::new(reader))),
            Coding::Identity => Decoder::Plain(reader),
        };
        Decoded { decoder, left: limit, limit, failed: None }
    }

    pub(super) fn get_ref(&self) -> &R {
        match &self.decoder {
            #[cfg(feature = "gzip")]
            Decoder::Gzip(members) => members.get_ref(),
            #[cfg(feature = "brotli")]
            Decoder::Brotli(brotli) => brotli.get_ref(),
            #[cfg(feature = "zstd")]
            Decoder::Zstd(frames) => frames.get_ref(),
            Decoder::Plain(reader) => reader,
        }
    }

    pub(super) fn get_mut(&mut self) -> &mut R {
        match &mut self.decoder {
            #[cfg(feature = "gzip")]
            Decoder::Gzip(members) => members.get_mut(),
            #[cfg(feature = "brotli")]
            Decoder::Brotli(brotli) => brotli.get_mut(),
            #[cfg(feature = "zstd")]
            Decoder::Zstd(frames) => frames.get_mut(),
            Decoder::Plain(reader) => reader,
        }
    }

    /// Converts a decoder's error into one of the peer; errors of the underlying reader pass
    /// unchanged.
    fn damaged(&mut self, error: io::Error) -> io::Error {
        if error.get_ref().is_some_and(|inner| inner.is::<Error>()) {
            return error;
        }
        let what = format!("the compressed body is invalid: {error}");
        self.fail(Error::text(ErrorKind::Peer, what))
    }

    fn fail(&mut self, error: Error) -> io::Error {
        self.failed.insert(error).clone().into()
    }
}

impl<R: BufRead> Read for Decoded<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = &self.failed {
            return Err(error.clone().into());
        }
        let read = match &mut self.decoder {
            #[cfg(feature = "gzip")]
            Decoder::Gzip(members) => members.read(buf),
            #[cfg(feature = "brotli")]
            Decoder::Brotli(brotli) => brotli.read(buf),
            #[cfg(feature = "zstd")]
            Decoder::Zstd(frames) => frames.read(buf),
            Decoder::Plain(reader) => reader.read(buf),
        };
        let n = read.map_err(|error| self.damaged(error))?;
        let Some(left) = self.left.checked_sub(n as u64) else {
            let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
            return Err(self.fail(Error::body_too_large(limit)));
        };
        self.left = left;
        Ok(n)
    }
}

#[cfg(all(test, feature = "gzip", feature = "brotli", feature = "zstd"))]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn body_that_is_damaged_or_too_large_keeps_failing() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        io::copy(&mut io::repeat(0).take(10 << 20), &mut encoder).unwrap();
        let bomb = encoder.finish().unwrap();
        let mut decoded = Decoded::new(&bomb[..], Coding::Gzip, 1 << 20);
        for _ in 0..2 {
            let error = io::copy(&mut decoded, &mut io::sink()).unwrap_err();
            assert!(Error::from(error).is_body_too_large());
        }
        for coding in [Coding::Gzip, Coding::Brotli, Coding::Zstd] {
            let mut decoded = Decoded::new(&b"\xff is no coding"[..], coding, 1000);
            for _ in 0..2 {
                let error = io::copy(&mut decoded, &mut io::sink()).unwrap_err();
                assert_eq!(Error::from(error).kind(), ErrorKind::Peer, "{coding:?}");
            }
        }
    }

    #[test]
    fn codings_are_asked_for_in_order_and_recognised() {
        let mut config = Config::default();
        assert_eq!(Coding::accept(&config).unwrap(), "br, zstd, gzip");
        let of = |value: &'static str, config: &Config| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(value));
            Coding::of(&headers, config)
        };
        assert_eq!(of("X-GZip", &config), Some(Coding::Gzip));
        assert_eq!(of("br", &config), Some(Coding::Brotli));
        assert_eq!(of("zstd, gzip", &config), None);
        config.brotli = false;
        assert_eq!(of("br", &config), None);
        (config.gzip, config.zstd) = (false, false);
        assert_eq!(Coding::accept(&config), None);
    }
}
