//! The allocator of the program: mimalloc, since records and futures are small and many.
//!
//! The crate `mimalloc` always calls the functions that take an alignment. For many sizes these take a slower path, and a
//! larger block. So for small alignments the plain functions are called here: `mi_malloc` gives such blocks anyway. Of the
//! four blocks of a request, two took the slower path.

use libmimalloc_sys::{
    mi_free, mi_malloc, mi_malloc_aligned, mi_realloc, mi_realloc_aligned, mi_zalloc,
    mi_zalloc_aligned,
};
use std::alloc::{GlobalAlloc, Layout};

/// The alignment that every block of mimalloc has, whatever its size: the sizes of its blocks are multiples of a word, and so
/// mimalloc itself, when it is to make a block larger, takes the plain path up to this alignment. Its features `debug` and
/// `secure`, which this program does not have, were not looked at.
const OF_EACH_BLOCK: usize = size_of::<usize>();

/// Mimalloc.
pub(crate) struct Allocator;

#[expect(unsafe_code, reason = "an allocator is unsafe by its nature")]
// SAFETY: every call is passed on to mimalloc, which keeps this contract. Blocks that were asked for with and without an
// alignment are of one kind: each may be freed, and made larger, in the same way.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        // SAFETY: both take any size, and the alignment of a layout is a power of two.
        unsafe {
            if align <= OF_EACH_BLOCK { mi_malloc(size) } else { mi_malloc_aligned(size, align) }
                .cast()
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        // SAFETY: both take any size, and the alignment of a layout is a power of two.
        unsafe {
            if align <= OF_EACH_BLOCK { mi_zalloc(size) } else { mi_zalloc_aligned(size, align) }
                .cast()
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, _layout: Layout) {
        // SAFETY: the caller gives back what one of the functions here gave.
        unsafe { mi_free(block.cast()) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let align = layout.align();
        // SAFETY: the caller gives what one of the functions here gave, and its alignment.
        unsafe {
            if align <= OF_EACH_BLOCK {
                mi_realloc(block.cast(), size)
            } else {
                mi_realloc_aligned(block.cast(), size, align)
            }
            .cast()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What stands at a place of a block: bytes that differ from block to block.
    fn byte(number: usize, at: usize) -> u8 {
        (at ^ number.wrapping_mul(151)).to_le_bytes()[0]
    }

    #[expect(unsafe_code, reason = "an allocator is unsafe by its nature")]
    fn fill(block: *mut u8, number: usize, size: usize) {
        for at in 0..size {
            // SAFETY: the block is that large.
            unsafe { block.add(at).write(byte(number, at)) };
        }
    }

    #[expect(unsafe_code, reason = "an allocator is unsafe by its nature")]
    fn is_filled(block: *const u8, number: usize, size: usize) -> bool {
        // SAFETY: the block is that large, and was filled so far.
        (0..size).all(|at| unsafe { block.add(at).read() } == byte(number, at))
    }

    fn any_size() -> impl Strategy<Value = usize> {
        prop_oneof![1_usize..65, 1_usize..9_000]
    }

    /// Many of each, so that one which is aligned by chance does not hide the others.
    #[test]
    #[expect(unsafe_code, reason = "an allocator is unsafe by its nature")]
    fn small_blocks_are_aligned_as_asked_for() {
        for (size, align) in (1..=64).flat_map(|size| (0..5).map(move |log| (size, 1 << log))) {
            let layout = Layout::from_size_align(size, align).unwrap();
            // SAFETY: the size is not zero.
            let blocks: Vec<_> = (0..20).map(|_| unsafe { Allocator.alloc(layout) }).collect();
            assert!(
                blocks.iter().all(|block| block.addr().is_multiple_of(align)),
                "{size} {align}"
            );
            for block in blocks {
                // SAFETY: it came from here, with this layout.
                unsafe { Allocator.dealloc(block, layout) };
            }
        }
    }

    proptest! {
        /// Many live at the same time, so that one that overlaps another, or is too small, is noticed.
        #[test]
        #[expect(unsafe_code, reason = "an allocator is unsafe by its nature")]
        fn blocks_are_as_large_and_aligned_as_asked_for(
            asked in proptest::collection::vec((any_size(), 0_u32..9, any::<bool>(), any_size()), 1..60)
        ) {
            let mut live = Vec::new();
            for (size, align, zeroed, then) in asked {
                let layout = Layout::from_size_align(size, 1 << align).unwrap();
                // SAFETY: the size is not zero.
                let block = unsafe {
                    if zeroed { Allocator.alloc_zeroed(layout) } else { Allocator.alloc(layout) }
                };
                prop_assert!(!block.is_null() && block.addr().is_multiple_of(layout.align()));
                if zeroed {
                    // SAFETY: the block is that large.
                    let is_zero = (0..size).all(|at| unsafe { block.add(at).read() } == 0);
                    prop_assert!(is_zero);
                }
                fill(block, live.len(), size);
                live.push((block, layout, then));
            }
            for (number, (block, layout, then)) in live.iter_mut().enumerate() {
                // SAFETY: it came from here, with this layout, and the new size is not zero.
                let moved = unsafe { Allocator.realloc(*block, *layout, *then) };
                prop_assert!(!moved.is_null() && moved.addr().is_multiple_of(layout.align()));
                prop_assert!(is_filled(moved, number, layout.size().min(*then)));
                *layout = Layout::from_size_align(*then, layout.align()).unwrap();
                fill(moved, number, *then);
                *block = moved;
            }
            for (number, (block, layout, _)) in live.into_iter().enumerate() {
                prop_assert!(is_filled(block, number, layout.size()));
                // SAFETY: it came from here, with this layout.
                unsafe { Allocator.dealloc(block, layout) };
            }
        }
    }
}
