use super::*;
use proptest::prelude::*;
use std::io::Write as _;
use std::task::Poll;
use std::time::Duration;

const MB: usize = 1 << 20;

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn brotli(body: &[u8], window_log: i32) -> Vec<u8> {
    let params = ::brotli::enc::BrotliEncoderParams {
        quality: 4,
        lgwin: window_log,
        ..::brotli::enc::BrotliEncoderParams::default()
    };
    let mut encoded = Vec::new();
    ::brotli::BrotliCompress(&mut &body[..], &mut encoded, &params).unwrap();
    encoded
}

fn encoded(coding: &str, body: &[u8]) -> Vec<u8> {
    match coding {
        "gzip" => gzip(body),
        "br" => brotli(body, 22),
        "zstd" => ::zstd::encode_all(body, 1).unwrap(),
        "deflate" => {
            let mut encoder =
                flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        }
        _ => body.to_vec(),
    }
}

/// What became of a body.
#[derive(Debug, Default)]
struct Decoded {
    body: Vec<u8>,
    /// How many pushes it took.
    pushes: usize,
    /// How many of the pauses took another thread.
    threads: usize,
    /// The most that one push gave.
    most: u64,
}

/// Decodes `body`, which comes in chunks of the lengths of `cuts`, over and over.
fn decode_in(
    codings: &[&str],
    body: &[u8],
    cuts: &[usize],
    budget: usize,
) -> Result<Decoded, ItemError> {
    let mut named = Codings::default();
    named.content_encoding(codings.join(",").as_bytes());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let (mut hasher, windows) = (blake3::Hasher::new(), Windows::default());
        hasher.update(b"what another body left behind");
        let mut decoder = Decoder::new(&named, u64::MAX, true, &mut hasher, &windows);
        let mut done = Decoded::default();
        let (mut at, mut cuts) = (0, cuts.iter().cycle());
        while at < body.len() {
            let chunk = &body[at..body.len().min(at + cuts.next().unwrap())];
            at += chunk.len();
            let mut rest = chunk;
            loop {
                let before = decoder.decoded_len();
                let pushed = decoder.push(rest, budget)?;
                done.pushes += 1;
                done.most = done.most.max(decoder.decoded_len() - before);
                rest = &rest[pushed.used..];
                if !pushed.more {
                    break;
                }
                done.threads += usize::from(decoder.stages.iter().any(Stage::waits));
                decoder.pause().await?;
            }
            assert!(rest.is_empty(), "all input is taken when there is no more to do");
        }
        decoder.finish()?;
        let (len, hash) = (decoder.decoded_len(), decoder.hash());
        done.body = decoder.into_kept().unwrap().join().into_owned();
        assert_eq!(len, done.body.len() as u64);
        assert_eq!(hash.0, *blake3::hash(&done.body).as_bytes());
        Ok(done)
    })
}

fn decode(codings: &[&str], body: &[u8]) -> Decoded {
    decode_in(codings, body, &[usize::MAX / 2], BUDGET).unwrap()
}

/// Runs of one byte, short or long, so that it compresses well here and badly there.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let run = prop_oneof![8 => 0..40_usize, 2 => 0..5_000_usize, 1 => 0..400_000_usize];
    prop::collection::vec((any::<u8>(), run), 0..40)
        .prop_map(|runs| runs.iter().flat_map(|(byte, n)| vec![*byte; *n]).collect())
}

fn codings() -> impl Strategy<Value = Vec<&'static str>> {
    let coding = prop::sample::select(vec!["gzip", "br", "zstd", "deflate", "identity"]);
    prop::collection::vec(coding, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_the_pieces_and_the_budget_the_body_is_the_same(
        body in body(),
        codings in codings(),
        cuts in prop::collection::vec(prop_oneof![1..20_usize, 1..50_000_usize], 1..8),
        budget in prop_oneof![Just(BUDGET), 0..200_000_usize],
    ) {
        let mut coded = body.clone();
        for coding in &codings {
            coded = encoded(coding, &coded);
        }
        let done = decode_in(&codings, &coded, &cuts, budget).unwrap();
        prop_assert!(done.body == body);
    }

    #[test]
    fn what_is_broken_is_an_error_or_a_body_and_never_a_panic(
        body in body(),
        coding in prop::sample::select(vec!["gzip", "br", "zstd", "deflate"]),
        cut in 1..50_000_usize,
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let mut coded = encoded(coding, &body);
        let at = at.index(coded.len());
        coded[at] ^= flip;
        if let Err(e) = decode_in(&[coding], &coded, &[cut], BUDGET) {
            prop_assert_eq!(e.kind, ErrorKind::Decode);
        }
        prop_assert!(decode_in(&[coding], &coded[..at], &[cut], BUDGET).is_err() || at == 0);
    }
}

/// The most that one push may give: its budget, and the step that went beyond it.
const MOST: u64 = (BUDGET + STEP) as u64;

#[test]
fn no_push_gives_more_than_its_budget_and_a_step() {
    let zeros = vec![0; 16 * MB];
    for codings in [
        &["gzip"][..],
        &["zstd"],
        &["deflate"],
        &["br"],
        &["gzip", "gzip"],
        &["br", "gzip"],
        &["zstd", "br"],
    ] {
        let mut coded = zeros.clone();
        for coding in codings {
            coded = encoded(coding, &coded);
        }
        let done = decode(codings, &coded);
        assert!(done.body == zeros, "{codings:?}");
        assert!(done.most <= MOST, "{codings:?}: {}", done.most);
        let least = zeros.len() as u64 / MOST;
        assert!(done.pushes as u64 >= least, "{codings:?}: {} pushes", done.pushes);
    }
}

#[test]
fn what_is_decoded_in_between_counts_too() {
    // The outer coding gives 16 MB, the inner one takes them for the name of a file and gives nothing.
    let mut inner = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 255];
    inner.resize(16 * MB, b'a');
    let outer = gzip(&inner);
    let mut named = Codings::default();
    named.content_encoding(b"gzip, gzip");
    let (mut hasher, windows) = (blake3::Hasher::new(), Windows::default());
    let mut decoder = Decoder::new(&named, u64::MAX, false, &mut hasher, &windows);
    let (mut rest, mut times) = (&outer[..], 0);
    loop {
        let pushed = decoder.push(rest, BUDGET).unwrap();
        times += 1;
        rest = &rest[pushed.used..];
        if !pushed.more {
            break;
        }
    }
    assert!(times >= inner.len() / (BUDGET + STEP), "{times}");
    assert_eq!(decoder.decoded_len(), 0);
    assert_eq!(decoder.finish().unwrap_err().kind, ErrorKind::Decode);
}

#[test]
fn input_that_gives_nothing_counts_too() {
    // An empty block of deflate, stored: five bytes, over and over.
    let nothing = [0, 0, 0, 0xff, 0xff].repeat(200_000);
    let mut named = Codings::default();
    named.content_encoding(b"deflate");
    let (mut hasher, windows) = (blake3::Hasher::new(), Windows::default());
    let mut decoder = Decoder::new(&named, u64::MAX, false, &mut hasher, &windows);
    let pushed = decoder.push(&nothing, BUDGET).unwrap();
    assert!(pushed.more);
    assert!(pushed.used <= BUDGET / INPUT_WEIGHT + stage::SLICE, "{pushed:?}");
}

#[test]
fn brotli_leaves_the_event_loop_when_its_window_is_large() {
    let zeros = vec![0; 8 * MB];
    for (window_log, threads) in [(16, 0), (18, 0), (20, 8 * 4), (22, 8 * 4), (24, 8 * 4)] {
        let done = decode(&["br"], &brotli(&zeros, window_log));
        assert!(done.body == zeros);
        assert!(done.threads >= threads, "{window_log}: {}", done.threads);
        assert!(threads > 0 || done.threads == 0, "{window_log}: {}", done.threads);
        assert!(done.most <= MOST);
    }
    // A page of 200 kB needs no more, whatever window was announced.
    let page: Vec<u8> = (0..200_000_u32).map(|i| i.wrapping_mul(i >> 3).to_le_bytes()[1]).collect();
    for window_log in [16, 22, 24] {
        let done = decode(&["br"], &brotli(&page, window_log));
        assert!(done.body == page);
        assert_eq!(done.threads, 0, "{window_log}");
    }
}

#[test]
fn a_large_brotli_body_that_begins_with_small_parts_is_whole() {
    // Flushed every 10 kB: each part is small, and the decoder outgrows its room in the middle.
    let body: Vec<u8> =
        (0..600_000_u32).map(|i| (i.wrapping_mul(i) >> 7).to_le_bytes()[0]).collect();
    let mut encoder = ::brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
    for part in body.chunks(10_000) {
        encoder.write_all(part).unwrap();
        encoder.flush().unwrap();
    }
    let coded = encoder.into_inner();
    for cut in [1, 777, 16_384, coded.len()] {
        let done = decode_in(&["br"], &coded, &[cut], BUDGET).unwrap();
        assert!(done.body == body, "{cut}");
        assert!(done.threads > 0);
    }
    let mut garbage = coded.clone();
    garbage.push(b'x');
    let error = decode_in(&["br"], &garbage, &[1000], BUDGET).unwrap_err();
    assert_eq!(error.message, "cannot decode br: garbage after its end");
    let error = decode_in(&["br"], &coded[..coded.len() - 1], &[1000], BUDGET).unwrap_err();
    assert_eq!(error.message, "cannot decode br: the data ends before its end marker");
}

#[test]
fn brotli_that_is_not_compressed_is_whole() {
    // Random bytes are stored as they are, for which the decoder sizes its ring buffer in another way.
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let body: Vec<u8> = std::iter::repeat_with(&mut random).take(900_000).collect();
    for (window_log, cut) in [(16, 5_000), (20, 5_000), (24, 777), (24, usize::MAX / 2)] {
        let done = decode_in(&["br"], &brotli(&body, window_log), &[cut], BUDGET).unwrap();
        assert!(done.body == body, "{window_log} {cut}");
        assert_eq!(done.threads > 0, window_log > 18, "{window_log} {cut}");
    }
}

#[test]
fn a_pause_that_is_given_up_loses_nothing() {
    let zeros = vec![7; 2 * MB];
    let coded = brotli(&zeros, 24);
    let mut named = Codings::default();
    named.content_encoding(b"br");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let (mut hasher, windows) = (blake3::Hasher::new(), Windows::default());
        let mut decoder = Decoder::new(&named, u64::MAX, false, &mut hasher, &windows);
        let mut rest = &coded[..];
        loop {
            let pushed = decoder.push(rest, BUDGET).unwrap();
            rest = &rest[pushed.used..];
            if !pushed.more {
                break;
            }
            while let Err(_given_up) = tokio::time::timeout(Duration::ZERO, decoder.pause()).await {
            }
        }
        decoder.finish().unwrap();
        assert_eq!(decoder.decoded_len(), zeros.len() as u64);
    });
}

#[test]
fn a_body_without_a_coding_takes_no_memory() {
    let (mut hasher, windows) = (blake3::Hasher::new(), Windows::default());
    let mut decoder = Decoder::new(&Codings::default(), u64::MAX, false, &mut hasher, &windows);
    assert_eq!(decoder.push(b"hello", BUDGET), Ok(Pushed { used: 5, work: 0, more: false }));
    assert_eq!((decoder.stages.capacity(), decoder.wrong.is_none()), (0, true));
    assert!(decoder.into_kept().is_none());
}

#[test]
fn an_unknown_coding_fails_only_a_body_that_comes() {
    let mut named = Codings::default();
    named.content_encoding(b"lzma");
    let (mut hasher, windows) = (blake3::Hasher::new(), Windows::default());
    let mut decoder = Decoder::new(&named, u64::MAX, false, &mut hasher, &windows);
    assert!(!decoder.is_identity());
    assert_eq!(decoder.push(b"", BUDGET), Ok(Pushed { used: 0, work: 0, more: false }));
    assert_eq!(decoder.finish(), Ok(()));
    assert_eq!(decoder.hash().0, *blake3::hash(b"").as_bytes());
    let error = decoder.push(b"x", BUDGET).unwrap_err();
    assert_eq!(
        (error.kind, &error.message[..29]),
        (ErrorKind::Decode, "unknown content coding \"lzma\"")
    );
}

#[test]
fn a_body_beyond_its_limit_stops_right_there() {
    for (codings, coded) in [
        (&b""[..], vec![0; BUDGET]),
        (b"gzip", gzip(&vec![0; MB])),
        (b"br", brotli(&vec![0; MB], 22)),
    ] {
        let mut named = Codings::default();
        named.content_encoding(codings);
        let (mut hasher, windows) = (blake3::Hasher::new(), Windows::default());
        let mut decoder = Decoder::new(&named, 1000, true, &mut hasher, &windows);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let error = runtime.block_on(async {
            loop {
                if let Err(e) = decoder.push(&coded, BUDGET) {
                    return e;
                }
                decoder.pause().await.unwrap();
            }
        });
        assert_eq!(error, too_large(1000));
        assert!(decoder.decoded_len() <= BUDGET as u64);
    }
}

/// A frame of zstd with a window of so many MiB.
fn zstd_frame(body: &[u8], window_log: u32) -> Vec<u8> {
    let mut encoder = ::zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(window_log).unwrap();
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

/// Pushes the `rest` of a body until there is no more to do.
async fn push_all(decoder: &mut Decoder<'_>, rest: &mut &[u8]) {
    loop {
        let pushed = decoder.push(rest, BUDGET).unwrap();
        *rest = &rest[pushed.used..];
        if !pushed.more {
            return;
        }
        decoder.pause().await.unwrap();
    }
}

fn decoder<'h>(coding: &[u8], hasher: &'h mut blake3::Hasher, windows: &'h Windows) -> Decoder<'h> {
    let mut named = Codings::default();
    named.content_encoding(coding);
    Decoder::new(&named, u64::MAX, false, hasher, windows)
}

#[tokio::test]
async fn bodies_whose_windows_find_no_room_wait_for_others_and_hold_up_none_with_small_ones() {
    const ROOM: u32 = 64;
    let zeros = vec![0; 17 * MB];
    let large = brotli(&zeros, 24);
    assert!(large.len() < 100, "{}", large.len());
    for (coding, large, each) in [
        (&b"br"[..], large.clone(), 16),
        (b"zstd", zstd_frame(&zeros, 23), 8),
        (b"gzip, zstd", zstd_frame(&gzip(&zeros), 23), 8),
        // Both may want a window, so room for two is taken.
        (b"br, zstd", zstd_frame(&large, 23), 24),
    ] {
        // The last byte does not come, so that all that have begun are under way.
        let large = &large[..large.len() - 1];
        let most = usize::try_from(ROOM / each).unwrap();
        let windows = &Windows::of(ROOM << 20);
        let mut hashers = vec![blake3::Hasher::new(); 12];
        let mut bodies: Vec<_> =
            hashers.iter_mut().map(|hasher| decoder(coding, hasher, windows)).collect();
        let mut rests = [large; 12];
        for (at, (body, rest)) in bodies.iter_mut().zip(&mut rests).enumerate() {
            if at < most {
                push_all(body, rest).await;
                continue;
            }
            let mut pushing = Box::pin(push_all(body, rest));
            for _ in 0..1_000 {
                let polled =
                    std::future::poll_fn(|cx| Poll::Ready(pushing.as_mut().poll(cx))).await;
                assert!(polled.is_pending());
                tokio::task::yield_now().await;
            }
            drop(pushing);
            assert!(body.waits_for_others());
        }
        let coding = String::from_utf8_lossy(coding);
        assert_eq!(windows.free(), ROOM - each * u32::try_from(most).unwrap(), "{coding}");
        for (coding, small) in [
            (&b"gzip"[..], gzip(&zeros)),
            (b"br", brotli(&zeros, 19)),
            (b"br", brotli(&vec![7; 200_000], 24)),
            (b"zstd", zstd_frame(&zeros, 19)),
        ] {
            let mut hasher = blake3::Hasher::new();
            let mut body = decoder(coding, &mut hasher, windows);
            push_all(&mut body, &mut &small[..]).await;
            body.finish().unwrap();
        }
        // One ends, and the next has its turn.
        bodies.remove(0);
        push_all(bodies.last_mut().unwrap(), rests.last_mut().unwrap()).await;
        drop(bodies);
        assert_eq!(windows.free(), ROOM);
    }
}

#[tokio::test]
async fn a_frame_with_a_larger_window_than_that_before_it_gives_that_back_while_it_waits() {
    let windows = Windows::of(8 << 20);
    let (mut first, mut second) = (blake3::Hasher::new(), blake3::Hasher::new());
    let body = vec![7; 3 * MB];
    let mut first = decoder(b"zstd", &mut first, &windows);
    let mut second = decoder(b"zstd", &mut second, &windows);
    for body_of in [&mut first, &mut second] {
        push_all(body_of, &mut &zstd_frame(&body, 22)[..]).await;
    }
    assert_eq!(windows.free(), 0);
    let large = zstd_frame(&body, 23);
    tokio::join!(
        async {
            push_all(&mut first, &mut &large[..]).await;
            first.finish().unwrap();
            let len = first.decoded_len();
            drop(first);
            assert_eq!(len, 2 * body.len() as u64);
        },
        async {
            push_all(&mut second, &mut &large[..]).await;
            second.finish().unwrap();
            assert_eq!(second.decoded_len(), 2 * body.len() as u64);
        }
    );
    drop(second);
    assert_eq!(windows.free(), 8);
}

#[test]
fn a_large_brotli_body_is_decoded_where_no_thread_can_be_started() {
    let zeros = vec![0; 2 * MB];
    let coded = brotli(&zeros, 24);
    let (mut hasher, windows) = (blake3::Hasher::new(), Windows::default());
    let mut body = decoder(b"br", &mut hasher, &windows);
    crate::http::blocking::without_threads().block_on(push_all(&mut body, &mut &coded[..]));
    body.finish().unwrap();
    assert_eq!(body.decoded_len(), zeros.len() as u64);
}
