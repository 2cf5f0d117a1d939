//! Chromium, which leaves pages full of images before they have come. It then cancels up to 128
//! responses at once, most of which have begun.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::devtools::Browser;
use crate::files::Folder;
use crate::server_examples::{Example, start};

const IMAGES: usize = 300;

/// Pages that are left at one pace.
const PAGES: usize = 12;

/// How long each page is looked at, in the order of the runs.
const PACES: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_millis(300), Duration::from_millis(100)];

/// Counts the broken images among those that have come or failed so far.
const BROKEN_SO_FAR: &str =
    "[...document.images].filter(image => image.complete && image.naturalWidth === 0).length";

/// The same once all images have come or failed.
const BROKEN_AT_THE_END: &str = "(async () => {
    if (document.readyState !== 'complete') {
        await new Promise(done => addEventListener('load', done));
    }
    return [...document.images].filter(image => image.naturalWidth === 0).length;
})()";

#[test]
fn no_image_breaks_when_pages_are_left_early() {
    let folder = Folder::new("chromium-leaves");
    let shown = folder.join("shown");
    fs::create_dir(&shown).unwrap();
    write_site(&shown);
    let Some(mut browser) = Browser::start(&folder.join("profile")) else { return };
    for pace in PACES {
        // A port of its own, and so a connection of its own.
        let Some(server) = start("file_server", &[shown.to_str().unwrap(), "--tls"]) else {
            return;
        };
        let broken = leave_pages(&mut browser, &server, pace);
        assert_eq!(broken, [0; PAGES + 1], "broken images, page by page, after {pace:?} each");
    }
}

/// Leaves twelve pages and stays at the last one. Returns the number of broken images on each.
fn leave_pages(browser: &mut Browser, server: &Example, pace: Duration) -> Vec<u64> {
    let mut broken = Vec::new();
    for page in 0..PAGES {
        browser.open(&server.url(&format!("/{page}.html")));
        // This is the pace at which the user turns pages, not a wait for something.
        thread::sleep(pace);
        broken.push(browser.evaluate(BROKEN_SO_FAR).as_u64().unwrap());
    }
    browser.open(&server.url(&format!("/{PAGES}.html")));
    broken.push(browser.evaluate(BROKEN_AT_THE_END).as_u64().unwrap());
    assert_eq!(browser.evaluate("document.images.length"), IMAGES);
    broken
}

/// Pages of images that are in no cache.
fn write_site(folder: &Path) {
    let image = bitmap();
    for number in 0..IMAGES {
        fs::write(folder.join(format!("{number}.bmp")), &image).unwrap();
    }
    for page in 0..=PAGES {
        let mut html = "<!doctype html><title>images</title>".to_owned();
        for number in 0..IMAGES {
            write!(html, "<img src='/{number}.bmp?{page}'>").unwrap();
        }
        fs::write(folder.join(format!("{page}.html")), html).unwrap();
    }
}

/// A white image of 60 KB: 100 × 200 pixels of 24 bits.
fn bitmap() -> Vec<u8> {
    let (width, height) = (100_u32, 200_u32);
    let pixels = (3 * width * height) as usize;
    let mut image = b"BM".to_vec();
    for n in [54 + pixels as u32, 0, 54, 40, width, height] {
        image.extend_from_slice(&n.to_le_bytes());
    }
    // One plane, 24 bits a pixel; the other entries of the header have defaults.
    image.extend_from_slice(&[1, 0, 24, 0]);
    image.resize(54, 0);
    image.resize(54 + pixels, 0xff);
    image
}
