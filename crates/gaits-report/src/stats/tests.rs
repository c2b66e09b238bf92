use super::*;
use proptest::prelude::*;

fn by_round(walls: &[f64]) -> Series {
    Series::new((0..).zip(walls.iter().copied()))
}

fn relations_of(models: &[Series]) -> Vec<&'static str> {
    judge(models, Settings::default())
        .verdicts
        .iter()
        .map(|verdict| verdict.relation.name())
        .collect()
}

const NOISY: [f64; 8] = [1.0, 1.03, 0.98, 1.01, 0.97, 1.02, 0.99, 1.0];

fn times(factor: f64) -> Series {
    // in another order, so that the ratios vary too
    Series::new((0..8).map(|round| (round, factor * NOISY[(3 * round as usize + 1) % 8])))
}

#[test]
fn clearly_slower_models_leave_one_winner() {
    let models = [times(2.0), by_round(&NOISY), times(1.5)];
    let judged = judge(&models, Settings::default());
    assert_eq!(relations_of(&models), ["slower", "best", "slower"]);
    assert_eq!(judged.sole_winner(), Some(1));
    assert_eq!(judged.order(), [1, 2, 0]);
    assert_eq!(
        judged.verdicts[1].ratio_to_best,
        Some(Interval { estimate: 1.0, low: 1.0, high: 1.0 })
    );
    assert_eq!(
        judged.verdicts.iter().map(|v| v.may_be_best).collect::<Vec<_>>(),
        [false, true, false]
    );
}

#[test]
fn what_slows_a_round_for_all_changes_nothing() {
    let third =
        Series::new((0..8_u32).map(|round| (round, 1.3 * NOISY[(5 * round as usize + 2) % 8])));
    let steady = [by_round(&NOISY), times(1.1), third];
    let drifting = steady.clone().map(|series| {
        Series::new(
            series.iter().map(|(round, wall)| (round, wall * 1.1_f64.powi(round.cast_signed()))),
        )
    });
    for (a, b) in judge(&steady, Settings::default())
        .verdicts
        .iter()
        .zip(judge(&drifting, Settings::default()).verdicts)
    {
        assert_eq!(a.relation, b.relation);
        let (a, b) = (a.ratio_to_best.unwrap(), b.ratio_to_best.unwrap());
        assert!((a.low - b.low).abs() < 1e-9 && (a.high - b.high).abs() < 1e-9, "{a:?} {b:?}");
    }
}

#[test]
fn the_same_time_in_every_round_is_equal_and_exact() {
    let models = [by_round(&[0.25; 10]), by_round(&[0.25; 10]), by_round(&[0.5; 10])];
    let judged = judge(&models, Settings::default());
    assert_eq!(relations_of(&models), ["equal", "equal", "slower"]);
    let ratios =
        judged.verdicts.iter().map(|verdict| verdict.ratio_to_best.unwrap()).collect::<Vec<_>>();
    assert_eq!(ratios[0], Interval { estimate: 1.0, low: 1.0, high: 1.0 });
    assert!(
        ratios[2].high - ratios[2].low < 1e-12 && (ratios[2].estimate - 2.0).abs() < 1e-12,
        "{ratios:?}"
    );
    assert!(judged.precision_reached());
    assert_eq!(judged.outliers, []);
}

#[test]
fn fewer_than_six_rounds_rank_nothing() {
    let models = [by_round(&NOISY[..5]), by_round(&[1.1; 5])];
    let judged = judge(&models, Settings::default());
    assert_eq!(relations_of(&models), ["not_ranked", "not_ranked"]);
    assert!(judged.verdicts.iter().all(|verdict| verdict.ratio_to_best.is_none()));
    assert!(!judged.precision_reached());
    assert_eq!(judged.rounds, 0);
}

#[test]
fn twofold_in_each_of_a_few_rounds_is_said_without_a_rank() {
    let twice = |models: &[Series]| {
        let reason = |verdict: &Verdict| match verdict.relation {
            Relation::NotRanked(Reason::TooFewRounds { at_least_twice }) => at_least_twice,
            relation => panic!("{relation:?}"),
        };
        judge(models, Settings::default()).verdicts.iter().map(reason).collect::<Vec<_>>()
    };
    let fast = by_round(&[1.0, 1.2]);
    assert_eq!(twice(&[by_round(&[2.0, 2.5]), fast.clone()]), [Some(1), None]);
    assert_eq!(twice(&[by_round(&[9.0, 2.3]), fast.clone()]), [None, None]);
    assert_eq!(twice(&[by_round(&[9.0]), fast]), [None, None], "one round says nothing");
}

#[test]
fn a_model_with_few_rounds_costs_the_others_none() {
    let models = [by_round(&NOISY), times(2.0), by_round(&[5.0, 5.0])];
    let judged = judge(&models, Settings::default());
    assert_eq!(relations_of(&models), ["best", "slower", "not_ranked"]);
    let reason = Reason::TooFewRounds { at_least_twice: Some(0) };
    assert_eq!(judged.verdicts[2].relation, Relation::NotRanked(reason));
    assert_eq!(judged.rounds, 8);
    assert!(!judged.precision_reached(), "of the third nothing is known");
}

#[test]
fn an_incomplete_round_does_not_count() {
    let longer = Series::new(times(2.0).iter().chain([(8, 100.0)]));
    let cut = judge(&[by_round(&NOISY), longer], Settings::default());
    let whole = judge(&[by_round(&NOISY), times(2.0)], Settings::default());
    assert_eq!(cut.verdicts, whole.verdicts);
    assert_eq!(cut.rounds, 8);
}

#[test]
fn models_that_share_too_few_rounds_are_not_ranked() {
    let late = Series::new((5..13).map(|round| (round, 1.0)));
    let judged = judge(&[by_round(&NOISY), late], Settings::default());
    let reasons = judged.verdicts.iter().map(|verdict| verdict.relation).collect::<Vec<_>>();
    assert_eq!(reasons, [Relation::NotRanked(Reason::TooFewShared); 2]);
}

#[test]
fn work_too_short_for_the_clock_is_not_ranked() {
    let micros = |walls: [u64; 6]| Series::from_micros((0..).zip(walls));
    let models = [micros([0, 1, 0, 0, 1, 0]), micros([5; 6])];
    let judged = judge(&models, Settings::default());
    assert!(judged.verdicts.iter().all(|v| v.relation == Relation::NotRanked(Reason::TooShort)));
    assert_eq!(typical(&models[0], 0.95), None);
    assert!(median(&models[0], 0.95).unwrap().0 < 1e-9);
}

#[test]
fn alone_there_is_nothing_to_compare_with() {
    let judged = judge(&[by_round(&NOISY)], Settings::default());
    assert_eq!(judged.verdicts[0].relation, Relation::NotRanked(Reason::Alone));
    assert_eq!(judged.verdicts[0].ratio_to_best, None);
    assert!(judged.precision_reached());
    let nobody = judge(&[], Settings::default());
    assert_eq!(nobody.verdicts, []);
    assert!(!nobody.precision_reached());
}

#[test]
fn precision_is_not_believed_before_ten_rounds() {
    let exact = |rounds: usize| [by_round(&vec![1.0; rounds]), by_round(&vec![2.0; rounds])];
    assert!(!judge(&exact(PRECISION_ROUNDS - 1), Settings::default()).precision_reached());
    assert!(judge(&exact(PRECISION_ROUNDS), Settings::default()).precision_reached());
}

#[test]
fn the_rounds_that_are_named_would_tell() {
    let close = judge(&[by_round(&NOISY), times(1.05)], Settings::default());
    assert_eq!(close.verdicts[1].relation, Relation::Undecided);
    let Some(More::About(more)) = close.verdicts[1].more_rounds else { panic!("{close:?}") };
    // the same rounds again and again keep means and variance
    let copies = |series: &Series, count: u32| {
        Series::new(
            (0..count)
                .flat_map(|copy| series.iter().map(move |(round, wall)| (8 * copy + round, wall)))
                .collect::<Vec<_>>(),
        )
    };
    let enough = u32::try_from(more.div_ceil(8)).unwrap() + 1;
    let told = judge(
        &[copies(&by_round(&NOISY), enough), copies(&times(1.05), enough)],
        Settings::default(),
    );
    assert_eq!(told.verdicts[1].relation, Relation::Slower, "{more} more");
    assert_eq!(told.verdicts[1].more_rounds, None);
}

#[test]
fn what_lies_on_the_margin_is_out_of_reach() {
    let on_the_margin = judge(&[by_round(&NOISY), times(1.02)], Settings::default());
    assert_eq!(on_the_margin.verdicts[1].more_rounds, Some(More::MoreThan(1_000)));
}

#[test]
fn a_stall_is_named_with_its_round_and_counts_all_the_same() {
    for others in [1, 2, 5] {
        let mut walls = NOISY;
        walls[4] *= 3.0;
        let mut models = vec![by_round(&walls)];
        models.extend((0..others).map(|model| {
            Series::new((0..8_u32).map(|round| (round, NOISY[(5 * round as usize + model) % 8])))
        }));
        let judged = judge(&models, Settings::default());
        let named = judged
            .outliers
            .iter()
            .map(|outlier| (outlier.model, outlier.round))
            .collect::<Vec<_>>();
        assert_eq!(named, [(0, 4)], "{others} others");
        assert!((2.7..3.3).contains(&judged.outliers[0].times), "{judged:?}");
        let estimate = judged.verdicts[0].ratio_to_best.unwrap().estimate;
        assert!(estimate > 1.1, "the mean of the logarithms rises by ln 3 / 8: {estimate}");
    }
}

#[test]
fn percentiles_need_items_beyond_them() {
    let shown = |items| percentiles_for(items).collect::<Vec<_>>();
    assert!(shown(0).is_empty());
    assert_eq!(shown(99), [0.5, 0.9]);
    assert_eq!(shown(100), [0.5, 0.9, 0.99]);
    assert_eq!(shown(999), [0.5, 0.9, 0.99]);
    assert_eq!(shown(1_000), [0.5, 0.9, 0.99, 0.999]);
}

#[test]
fn the_interval_of_a_median_is_never_the_range() {
    assert_eq!(median(&Series::default(), 0.95), None);
    assert_eq!(median(&by_round(&NOISY[..5]), 0.95).unwrap().1, None);
    let (_, interval) = median(&by_round(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), 0.95).unwrap();
    let (low, high) = interval.unwrap();
    assert!(low > 1.0 && high < 6.0, "{low} {high}");
}

fn any_series() -> impl Strategy<Value = Series> {
    let wall = prop_oneof![8 => 1e-6..1e3_f64, 4 => Just(0.25), 1 => Just(0.0), 1 => any::<f64>()];
    proptest::collection::vec((0..12_u32, wall), 0..24).prop_map(Series::new)
}

proptest! {
    #[test]
    fn there_is_never_nonsense(
        models in proptest::collection::vec(any_series(), 0..6),
        margin in 0.0..0.2_f64,
        precision in 0.001..0.5_f64,
    ) {
        let judged = judge(&models, Settings { margin, precision, ..Settings::default() });
        prop_assert_eq!(judged.verdicts.len(), models.len());
        for verdict in &judged.verdicts {
            let is_ranked = !matches!(verdict.relation, Relation::NotRanked(_));
            prop_assert_eq!(verdict.ratio_to_best.is_some(), is_ranked);
            prop_assert_eq!(verdict.more_rounds.is_some(), verdict.relation == Relation::Undecided);
            if let Some(Interval { estimate, low, high }) = verdict.ratio_to_best {
                prop_assert!(low <= estimate && estimate <= high && low >= 1.0 && !high.is_nan(), "{verdict:?}");
                let beyond = low > (1.0 + margin) * (1.0 + 1e-12);
                prop_assert!(!beyond || verdict.relation == Relation::Slower, "{verdict:?}");
                prop_assert_eq!(verdict.may_be_best, low <= 1.0 && verdict.may_be_best);
            }
        }
        let best = judged.verdicts.iter().filter(|verdict| verdict.relation == Relation::Best).count();
        let ranked = judged.verdicts.iter().filter(|verdict| verdict.ratio_to_best.is_some());
        let others_slower = ranked.filter(|verdict| verdict.relation != Relation::Slower).count() == 1;
        prop_assert_eq!(best == 1, others_slower);
        for model in &models {
            let interval = typical(model, 0.95);
            prop_assert!(interval.is_none_or(|i| i.low <= i.estimate && i.estimate <= i.high));
            if let Some((median, Some((low, high)))) = median(model, 0.95) {
                prop_assert!(low <= median && median <= high);
            }
        }
    }

    #[test]
    fn the_ratio_shown_is_that_of_the_typical_walls(
        walls in proptest::collection::vec((0.1..10.0_f64, 0.1..10.0_f64), 6..30),
    ) {
        let a = by_round(&walls.iter().map(|(a, _)| *a).collect::<Vec<_>>());
        let b = by_round(&walls.iter().map(|(_, b)| *b).collect::<Vec<_>>());
        // one more round of one model counts for neither number
        let a = Series::new(a.iter().chain([(99, 1e3)]));
        let judged = judge(&[a, b], Settings::default());
        let typical = |verdict: &Verdict| verdict.typical_s.unwrap().estimate;
        let best = judged.verdicts.iter().map(typical).fold(f64::INFINITY, f64::min);
        for verdict in &judged.verdicts {
            let ratio = verdict.ratio_to_best.unwrap().estimate;
            prop_assert!((ratio / (typical(verdict) / best) - 1.0).abs() < 1e-12);
        }
    }
}
