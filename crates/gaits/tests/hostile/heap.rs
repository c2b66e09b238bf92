//! Counts the bytes that live on the heap for the threads that are charged to an account.
//!
//! Limit: what C libraries allocate is not seen, which here is the window of a zstd decoder alone.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// The system's allocator, with a count of what is allocated.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    /// The account of this thread. It has no destructor, so an allocator may use it at any time.
    static CHARGED: Cell<Option<&'static Account>> = const { Cell::new(None) };
}

/// The bytes that live on the heap, and the most that ever did. A byte counts for the thread that allocates it, and
/// against the one that frees it.
#[derive(Debug, Default)]
pub(crate) struct Account {
    live: AtomicI64,
    peak: AtomicI64,
}

impl Account {
    /// A new account, which is never freed: an allocator can't know when the last thread is done with it.
    pub(crate) fn open() -> &'static Self {
        Box::leak(Box::default())
    }

    /// Charges what this thread allocates and frees from now on to this account.
    pub(crate) fn charge_this_thread(&'static self) {
        CHARGED.set(Some(self));
    }

    /// How many bytes live now.
    pub(crate) fn live(&self) -> i64 {
        self.live.load(Relaxed)
    }

    /// Forgets the peak, and gives what lives now.
    pub(crate) fn begin(&self) -> i64 {
        let live = self.live();
        self.peak.store(live, Relaxed);
        live
    }

    /// The most bytes that lived at a time since [`begin`](Self::begin).
    pub(crate) fn peak(&self) -> i64 {
        self.peak.load(Relaxed)
    }

    fn add(&self, bytes: i64) {
        let live = self.live.fetch_add(bytes, Relaxed) + bytes;
        self.peak.fetch_max(live, Relaxed);
    }
}

/// Charges this thread to no account any more.
pub(crate) fn charge_nobody() {
    CHARGED.set(None);
}

fn count(bytes: i64) {
    if let Some(account) = CHARGED.get() {
        account.add(bytes);
    }
}

fn size(layout: Layout) -> i64 {
    i64::try_from(layout.size()).unwrap_or(i64::MAX)
}

#[expect(unsafe_code, reason = "an allocator is unsafe by its nature")]
// SAFETY: every call is passed on to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(size(layout));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(size(layout));
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-size(layout));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // Both may live for a moment, while the bytes move.
        count(i64::try_from(new_size).unwrap_or(i64::MAX));
        count(-size(layout));
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}
