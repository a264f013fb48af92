//! Which expected line belongs to which output: the longest run of lines that agree, in order.
//!
//! So one output too many is one output too many, and not a difference in every line behind it.

/// The largest table that is filled; lists that differ in more are compared place by place.
const CELLS: usize = 4_000_000;

/// A pair of places: in what was expected, in what came out, or in one of them alone.
pub(super) type Pair = (Option<usize>, Option<usize>);

/// Pairs up two lists; lines that do not agree stand together where both sides have one at that place.
pub(super) fn pairs(expected: usize, was: usize, agree: impl Fn(usize, usize) -> bool) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let (mut left, mut right) = (0, 0);
    for (at_left, at_right) in common(expected, was, &agree).into_iter().chain([(expected, was)]) {
        let run = (at_left - left).max(at_right - right);
        pairs.extend(
            (0..run).map(|n| (Some(left + n).filter(|at| *at < at_left), Some(right + n).filter(|at| *at < at_right))),
        );
        if at_left < expected && at_right < was {
            pairs.push((Some(at_left), Some(at_right)));
        }
        (left, right) = (at_left + 1, at_right + 1);
    }
    pairs
}

/// The longest common subsequence, as places.
fn common(expected: usize, was: usize, agree: &impl Fn(usize, usize) -> bool) -> Vec<(usize, usize)> {
    // The same at the beginning and at the end is the rule, and needs no table.
    let head = (0..expected.min(was)).take_while(|at| agree(*at, *at)).count();
    let tail = (0..expected.min(was) - head).take_while(|n| agree(expected - 1 - n, was - 1 - n)).count();
    let (mut rows, mut columns) = (expected - head - tail, was - head - tail);
    if rows.saturating_mul(columns) > CELLS {
        (rows, columns) = (0, 0);
    }
    let mut longest = vec![vec![0_usize; columns + 1]; rows + 1];
    let of = |table: &[Vec<usize>], row: usize, column: usize| {
        table.get(row).and_then(|row| row.get(column)).copied().unwrap_or_default()
    };
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            let best = if agree(head + row, head + column) {
                of(&longest, row + 1, column + 1) + 1
            } else {
                of(&longest, row + 1, column).max(of(&longest, row, column + 1))
            };
            if let Some(cell) = longest.get_mut(row).and_then(|row| row.get_mut(column)) {
                *cell = best;
            }
        }
    }
    let mut found: Vec<(usize, usize)> = (0..head).map(|at| (at, at)).collect();
    let (mut row, mut column) = (0, 0);
    while row < rows && column < columns {
        if agree(head + row, head + column) {
            found.push((head + row, head + column));
            (row, column) = (row + 1, column + 1);
        } else if of(&longest, row + 1, column) >= of(&longest, row, column + 1) {
            row += 1;
        } else {
            column += 1;
        }
    }
    found.extend((0..tail).rev().map(|n| (expected - 1 - n, was - 1 - n)));
    found
}
