//! What each port promises, as checks that every adapter runs: one suite per port.
//!
//! A check is a plain async function that takes a fresh adapter. An adapter's test file names a
//! function that makes one and drives a check to its end, and has one line per suite:
//!
//! ```text
//! fn with_store(check: impl AsyncFnOnce(MyStore)) { block_on(check(MyStore::new())) }
//! lattice_ports::run_suite!(log, with_store);
//! ```
//!
//! `compare` runs the same random operations on two stores. `sample` makes the data.

// A check is a test that lives outside `cfg(test)` only because other crates run it.
#![allow(clippy::unwrap_used, clippy::panic)]

pub mod blobs;
pub mod clock;
pub mod compare;
pub mod folds;
pub mod inbox;
pub mod log;
pub mod page;
pub mod queue;
pub mod queue_bench;
pub mod queue_limits;
pub mod queue_visibility;
pub mod run_filters;
pub mod run_index;
pub mod sample;
pub mod secrets;
pub mod slots;
pub mod start;
pub mod triggers;
pub mod versions;
pub mod workflows;

pub use compare::compare_stores;
pub use queue_bench::QueueBench;
pub use secrets::{KNOWN_SECRET, KNOWN_VALUE};

/// Every suite of a store, each check a test of its own.
#[macro_export]
macro_rules! run_store_suites {
    ($with:ident) => {
        $crate::run_suite!(log, $with);
        $crate::run_suite!(page, $with);
        $crate::run_suite!(start, $with);
        $crate::run_suite!(folds, $with);
        $crate::run_suite!(run_index, $with);
        $crate::run_suite!(run_filters, $with);
        $crate::run_suite!(inbox, $with);
        $crate::run_suite!(blobs, $with);
        $crate::run_suite!(workflows, $with);
        $crate::run_suite!(versions, $with);
    };
}

/// One suite, each check a test of its own. The second word names a function that takes a check,
/// makes a fresh adapter and drives the check over it. This is the list of all checks.
#[macro_export]
macro_rules! run_suite {
    (log, $with:ident) => {
        $crate::run_checks!(
            log,
            $with,
            [
                a_first_commit_is_written_and_read_back,
                the_same_put_again_says_that_only_the_answer_was_lost,
                a_stale_put_is_answered_with_the_winner,
                of_many_writers_at_one_place_one_wins,
                a_commit_past_a_hole_is_stored_as_it_is,
                a_load_begins_at_the_seq_it_is_given,
                an_unknown_run_has_no_commits,
                a_thousand_commits_come_in_order,
                runs_do_not_mix,
                a_commit_of_the_largest_size_is_taken,
                a_summary_comes_with_the_last_commit,
                a_checkpoint_moves_only_forward,
                a_checkpoint_of_a_large_state_is_kept,
            ]
        );
    };
    (page, $with:ident) => {
        $crate::run_checks!(
            page,
            $with,
            [
                a_page_holds_whole_commits_until_it_has_enough_events,
                a_page_begins_inside_a_commit_of_the_largest_size,
                a_page_ends_when_it_is_large,
                a_page_goes_on_past_a_hole,
                an_unknown_run_has_no_page,
                all_pages_together_are_the_log,
            ]
        );
    };
    (start, $with:ident) => {
        $crate::run_checks!(
            start,
            $with,
            [
                an_unknown_key_has_no_run,
                a_key_leads_to_its_run,
                a_taken_key_is_answered_with_its_run_and_nothing_is_written,
                a_start_whose_answer_was_lost_is_not_refused_by_its_own_key,
                of_many_starts_under_one_key_one_wins,
            ]
        );
    };
    (folds, $with:ident) => {
        $crate::run_checks!(
            folds,
            $with,
            [
                all_parts_of_a_put_are_written_together,
                nothing_of_a_stale_put_is_written,
                an_item_is_folded_once,
                an_item_that_nobody_put_cannot_be_folded,
                a_put_folds_as_many_items_as_the_limit_says,
            ]
        );
    };
    (run_index, $with:ident) => {
        $crate::run_checks!(
            run_index,
            $with,
            [
                an_unknown_run_has_no_row,
                a_row_moves_only_forward,
                a_row_keeps_every_field,
                rows_are_listed_newest_first_page_by_page,
                rows_are_listed_by_status,
                what_is_due_comes_earliest_first,
                a_row_that_is_not_due_any_more_is_gone_from_the_list,
                a_row_is_deferred_only_as_it_was_seen,
            ]
        );
    };
    (run_filters, $with:ident) => {
        $crate::run_checks!(
            run_filters,
            $with,
            [
                rows_are_listed_by_tenant_and_workflow,
                rows_are_listed_by_when_they_were_queued,
                filters_hold_together,
                filters_hold_on_every_page,
            ]
        );
    };
    (inbox, $with:ident) => {
        $crate::run_checks!(
            inbox,
            $with,
            [
                an_item_is_put_once,
                an_item_that_was_folded_is_still_known,
                an_item_that_was_buried_is_not_unread_any_more,
                a_fingerprint_is_of_the_item_that_was_put_first,
                ids_belong_to_their_run,
                items_come_in_the_order_they_were_put,
                runs_with_unread_items_are_named_once,
                of_many_puts_of_one_id_one_is_stored,
            ]
        );
    };
    (blobs, $with:ident) => {
        $crate::run_checks!(
            blobs,
            $with,
            [
                a_blob_is_read_back,
                a_blob_under_a_wrong_name_is_refused,
                a_blob_that_is_not_there_is_named,
                a_blob_of_the_largest_size_is_kept,
            ]
        );
    };
    (workflows, $with:ident) => {
        $crate::run_checks!(
            workflows,
            $with,
            [
                a_program_is_read_back,
                a_program_under_a_wrong_name_is_refused,
                a_program_that_is_not_there_is_named,
                an_unknown_workflow_has_no_version,
                the_version_that_was_put_last_is_the_newest,
                every_version_is_kept_once,
                tenants_do_not_see_each_other,
                workflows_are_listed_by_id_page_by_page,
            ]
        );
    };
    (versions, $with:ident) => {
        $crate::run_checks!(
            versions,
            $with,
            [
                a_write_that_expects_something_else_is_told_what_stands_there,
                of_two_saves_of_one_version_the_second_conflicts,
                of_many_saves_at_once_one_is_done,
                a_workflow_is_deleted_with_all_its_versions,
                a_deleted_workflow_can_be_stored_again,
            ]
        );
    };
    (triggers, $with:ident) => {
        $crate::run_checks!(
            triggers,
            $with,
            [
                a_trigger_is_read_back,
                a_trigger_is_replaced,
                a_trigger_is_removed,
                triggers_are_listed_by_tenant_and_workflow,
                triggers_are_listed_page_by_page,
                a_pause_and_a_note_outlive_a_save,
                a_note_is_changed_once_from_each_revision,
                open_firings_are_found_until_they_are_done,
            ]
        );
    };
    (slots, $with:ident) => {
        $crate::run_checks!(
            slots,
            $with,
            [
                places_are_taken_until_there_are_none,
                nobody_is_overtaken,
                a_place_is_given_back_once,
                who_leaves_the_line_holds_nobody_up,
                the_limit_may_change,
                each_key_has_places_of_its_own,
                of_many_at_once_no_more_than_the_limit_are_let_in,
            ]
        );
    };
    (queue, $with:ident) => {
        $crate::run_checks!(
            queue,
            $with,
            [
                a_message_is_delivered_until_it_is_acknowledged,
                an_empty_queue_delivers_nothing,
                messages_come_in_the_order_they_were_sent,
                a_delay_is_honoured,
                a_message_given_back_comes_again_and_counts,
                a_message_given_back_waits_as_long_as_it_was_told,
                a_receipt_that_was_used_changes_nothing,
                a_receipt_that_nobody_gave_changes_nothing,
            ]
        );
    };
    (queue_limits, $with:ident) => {
        $crate::run_checks!(queue_limits, $with, [a_delay_is_cut_to_the_limit]);
    };
    (queue_visibility, $with:ident) => {
        $crate::run_checks!(
            queue_visibility,
            $with,
            [
                a_message_that_is_forgotten_comes_again,
                an_old_receipt_does_not_delete_the_new_delivery,
            ]
        );
    };
    (clock, $with:ident) => {
        $crate::run_checks!(
            clock,
            $with,
            [
                a_sleep_lasts_as_long_as_it_was_told,
                the_monotonic_clock_never_goes_back,
                fresh_bytes_are_never_seen_twice,
            ]
        );
    };
    (secrets, $with:ident) => {
        $crate::run_checks!(
            secrets,
            $with,
            [
                a_known_secret_is_resolved,
                an_unknown_secret_is_named_with_a_remedy,
            ]
        );
    };
}

/// What `run_suite!` is made of.
#[macro_export]
macro_rules! run_checks {
    ($suite:ident, $with:ident, [$($check:ident),* $(,)?]) => {
        mod $suite {
            $(#[test] fn $check() { super::$with($crate::suites::$suite::$check) })*
        }
    };
}

#[cfg(test)]
mod tests {
    /// Every `pub async fn` of a suite's file must stand in its list above.
    #[test]
    fn no_check_is_forgotten() {
        let list: String = include_str!("mod.rs").split_whitespace().collect();
        let files = [
            ("log", include_str!("log.rs")),
            ("page", include_str!("page.rs")),
            ("start", include_str!("start.rs")),
            ("folds", include_str!("folds.rs")),
            ("run_index", include_str!("run_index.rs")),
            ("run_filters", include_str!("run_filters.rs")),
            ("inbox", include_str!("inbox.rs")),
            ("blobs", include_str!("blobs.rs")),
            ("workflows", include_str!("workflows.rs")),
            ("versions", include_str!("versions.rs")),
            ("triggers", include_str!("triggers.rs")),
            ("slots", include_str!("slots.rs")),
            ("queue", include_str!("queue.rs")),
            ("queue_limits", include_str!("queue_limits.rs")),
            ("queue_visibility", include_str!("queue_visibility.rs")),
            ("clock", include_str!("clock.rs")),
            ("secrets", include_str!("secrets.rs")),
        ];
        for (suite, file) in files {
            let (_, rest) = list
                .split_once(&format!("run_checks!({suite},$with,["))
                .unwrap();
            let listed: Vec<&str> = rest.split(']').next().unwrap().split(',').collect();
            let checks = file.split("pub async fn ").skip(1);
            let names: Vec<&str> = checks
                .filter_map(|rest| rest.split(['<', '(']).next())
                .collect();
            assert!(!names.is_empty(), "{suite}");
            for name in names {
                assert!(
                    listed.contains(&name),
                    "`{name}` of `{suite}` is not listed"
                );
            }
        }
    }
}
