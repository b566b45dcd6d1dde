//! The one suite, run on each engine.

macro_rules! suite {
    ($engine:ident: $($module:ident { $($test:ident),+ $(,)? })+) => {
        $(
            mod $module {
                use crate::place::Place;

                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $test() {
                        crate::$module::$test(&Place::new(causeway_store::Engine::$engine)).await;
                    }
                )+
            }
        )+
    };
}

macro_rules! on_both_engines {
    ($($suite:tt)*) => {
        mod sqlite {
            suite! { Sqlite: $($suite)* }
        }
        mod postgres {
            suite! { Postgres: $($suite)* }
        }
    };
}

/// PostgreSQL bounds every statement of a scan by itself.
mod sqlite_alone {
    suite! { Sqlite:
        history {
            scans_of_the_history_end_when_their_time_is_up,
        }
    }
}

on_both_engines! {
    answers {
        old_answers_are_forgotten_in_slices_oldest_first,
    }
    connections {
        a_connection_reads_back_as_it_was_added,
        a_taken_name_or_client_is_refused_and_leaves_nothing,
        connections_of_one_tenant_share_it,
        the_org_is_remembered_once_it_answered,
        what_salesforce_tells_of_the_user_and_the_allowance_is_remembered,
        partner_users_are_replaced_by_id,
        the_newest_revision_of_a_plan_is_in_force,
        a_revision_is_added_once_and_a_partner_object_mapped_once,
        a_plan_that_was_rolled_back_is_not_remembered,
    }
    packages {
        a_pairing_code_is_used_once_and_replaced_by_a_newer_one,
        codes_that_expired_are_forgotten_when_another_is_used,
        a_client_is_added_or_gets_a_new_key_and_belongs_to_one_connection,
        the_newest_report_of_a_package_is_kept,
    }
    embeds {
        a_code_opens_once_whoever_comes_at_the_same_time,
        codes_are_forgotten_a_while_after_they_expired,
        a_template_is_found_by_its_name_and_site,
    }
    people {
        names_of_users_are_remembered_for_their_connection,
    }
    standings {
        a_links_history_is_paged_and_narrowed_to_a_field,
        what_waits_for_a_record_is_found_by_its_salesforce_id,
    }
    units {
        a_failing_unit_leaves_no_trace_and_its_neighbours_stay,
        a_unit_that_swallows_a_ports_error_fails,
        a_panicking_unit_harms_nobody_else,
        a_unit_that_loses_a_race_runs_again_a_few_times,
        interactive_units_overtake_waiting_bulk_units,
        reading_does_not_wait_for_writing,
        reading_a_little_does_not_wait_for_scans,
        a_scan_that_takes_too_long_is_given_up,
        a_reading_unit_cannot_write,
        what_was_answered_can_be_read_at_once,
        a_unit_whose_caller_went_away_is_not_started,
        closing_finishes_what_waits_and_then_refuses,
        units_from_many_sides_do_not_stand_in_each_others_way,
    }
    links {
        a_first_contact_makes_link_and_record,
        an_update_swaps_the_link_and_keeps_the_record,
        a_link_written_since_it_was_read_is_a_conflict_and_nothing_stays,
        a_link_made_twice_is_a_conflict_and_nothing_stays,
        of_many_writers_of_one_link_each_wins_once,
        a_held_link_gets_its_record_later,
        held_links_are_listed_since_they_are_held,
        a_tombstone_of_a_record_never_linked_is_kept,
        a_link_keeps_what_is_on_its_way_to_salesforce,
        links_are_counted_by_where_they_stand,
        a_thousand_effects_are_written_in_one_call,
    }
    history {
        history_tells_what_changed_newest_first,
        values_that_lost_are_listed_newest_first,
    }
    identities {
        links_are_found_by_number_and_by_record,
        an_identity_belongs_to_one_link,
        a_released_identity_is_free_in_the_same_call,
        an_identity_that_cannot_be_stored_is_refused_and_found_nowhere,
        thousands_of_identities_are_reserved_and_found,
        a_record_of_the_partner_gets_its_salesforce_record_later,
        a_link_gives_up_its_salesforce_record_to_a_tombstone,
        links_that_change_places_do_not_collide,
        a_link_without_a_record_ends_in_the_link_that_absorbs_it,
    }
    outbox {
        effects_make_the_heads_of_their_links_ready,
        a_claim_takes_one_mapping_that_of_the_oldest_and_interactive_before_bulk,
        bulk_may_have_its_turn_first_and_connections_may_be_passed_over,
        a_claim_takes_more_where_very_many_wait,
        a_head_made_ready_again_keeps_the_earlier_moment_and_the_more_urgent_lane,
        a_claimed_head_stays_with_its_worker_until_its_lease_ends,
        an_old_claim_does_not_release_a_head_that_was_made_anew,
        outgoing_leases_of_an_earlier_process_can_be_freed,
        no_outgoing_head_is_claimed_by_two_workers_at_once,
        heads_of_many_links_are_readied_with_their_effects,
    }
    settings {
        settings_are_replaced_by_revision_and_belong_to_one_connection,
        plans_stand_under_what_is_set_and_a_cap_is_set_and_lifted,
    }
    activity {
        what_crossed_is_added_up_by_the_hour_and_forgotten_after_a_month,
        calls_that_were_never_made_are_given_back_to_their_hour,
    }
    calls {
        calls_are_taken_up_to_the_cap_and_free_again_a_day_later,
        many_who_take_calls_at_once_stay_below_the_cap,
    }
    seen {
        links_that_a_reconcile_did_not_see_are_told,
        what_a_reconcile_saw_is_forgotten_in_pieces,
        thousands_of_links_are_compared,
    }
    feed {
        the_feed_shows_each_record_once_at_its_latest_state,
        a_deleted_record_stays_in_the_feed_without_its_fields,
        a_follower_of_the_feed_misses_nothing_while_many_write,
        a_follower_of_one_object_may_skip_to_the_newest_position_and_misses_nothing,
    }
    records {
        records_are_paged_by_id,
        every_given_filter_must_hold,
        fields_are_compared_as_exact_text,
        a_text_with_a_nul_matches_nothing_and_is_not_stored,
        deleted_records_are_read_by_id_alone,
        references_lead_to_the_partners_records,
        a_record_keeps_its_times_its_key_and_its_successor,
    }
    inbox {
        received_changes_are_claimed_and_pend_in_order,
        a_change_keeps_the_times_of_its_fields_and_where_its_record_went,
        a_claimed_head_is_not_claimed_again_until_its_lease_ends,
        interactive_heads_are_claimed_before_bulk_ones_and_older_before_newer,
        no_head_is_claimed_by_two_workers_at_once,
        settling_removes_what_was_decided_and_leaves_newer_changes_ready,
        settling_a_lost_lease_changes_nothing,
        an_old_claim_does_not_settle_a_head_that_was_made_anew,
        a_postponed_head_comes_back_when_it_is_time_or_when_news_arrive,
        leases_of_an_earlier_process_can_be_freed,
        changes_received_while_claimed_are_never_lost,
        an_idempotency_key_is_answered_once,
        of_two_requests_with_one_key_one_is_first,
    }
    claims {
        a_large_backlog_is_read_in_pieces_and_in_order,
        claims_are_given_back_as_if_nothing_had_happened,
        leases_that_ran_out_in_a_row_are_told_from_attempts_that_failed,
    }
    leases {
        a_lease_is_held_by_one_owner_until_it_ends,
        a_fence_grows_when_the_lease_changes_hands,
        only_one_of_many_gets_a_lease,
    }
    runs {
        a_run_is_made_with_its_parts_and_moves_on,
        a_second_run_of_a_kind_waits_for_the_first,
        unfinished_runs_of_all_connections_are_found_oldest_first,
        a_watermark_only_rises,
        watermarks_of_changes_and_deletes_are_apart,
        runs_of_different_kinds_stand_beside_each_other,
    }
    logs {
        entries_read_back_newest_first_and_page,
        every_given_log_filter_must_hold,
    }
    marks {
        live_links_with_a_record_are_given_out_by_number,
        marking_only_gets_further_and_is_apart_by_field_and_mapping,
    }
    isolation {
        nothing_of_another_connection_is_visible,
    }
    open {
        a_store_opens_again_where_it_was_left,
        an_empty_database_is_brought_up_to_date_by_many_at_once,
        a_store_that_cannot_be_opened_says_why,
        the_database_answers,
    }
    kill {
        what_was_answered_survives_a_kill,
    }
}
