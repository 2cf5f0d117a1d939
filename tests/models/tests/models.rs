//! The list of the models, each as a test.

macro_rules! models {
    ($($module:ident: $($name:ident),* $(,)?;)*) => {$(
        mod $module {$(
            #[test]
            fn $name() {
                h2_sync_models::models::$module::$name();
            }
        )*}
    )*};
}

models! {
    transport:
        a_pipe_loses_nothing,
        closing_a_duplex_wakes_all,
        turns_are_taken_one_at_a_time,
        closing_ends_all_turns;
    exchange:
        every_thread_gets_its_response,
        a_leader_that_gives_up_hands_over,
        dropped_response_does_not_delay_others,
        bodies_of_two_threads_go_out_whole,
        bodies_go_out_whole_though_writes_give_up,
        what_a_caller_leaves_goes_out_without_it,
        a_write_that_stalls_wakes_the_reader,
        the_end_wakes_all_readers_writers_and_waiters,
        the_peers_end_wakes_all_waiting_threads,
        pings_are_answered_while_others_maintain;
    session:
        what_is_put_by_several_threads_is_answered,
        what_callers_write_themselves_is_answered,
        session_ends_while_a_caller_writes,
        credit_goes_back_for_what_is_taken,
        credit_goes_back_for_what_is_taken_behind_our_back,
        credit_goes_back_for_what_the_receiver_takes,
        close_ends_whatever_goes_on,
        the_peers_end_ends_whatever_goes_on,
        a_thread_that_waits_for_room_gets_it,
        a_thread_that_waits_for_room_learns_of_a_reset;
    parts:
        every_task_has_a_thread,
        a_pool_that_closes_does_what_it_has,
        the_clock_calls_in_time,
        permits_are_passed_on;
    server:
        every_request_is_answered,
        requests_stand_in_line_for_slow_handlers,
        a_stuck_leader_loses_the_lead,
        a_handler_that_reads_gives_way,
        the_clients_end_wakes_all_handlers,
        places_pass_by_requests_that_are_gone,
        no_task_is_lost_to_a_thread_that_ends,
        threads_that_do_not_start_lose_nothing,
        shutdown_ends_with_requests_under_way,
        shutdown_tells_idle_connections,
        shutdown_cuts_what_takes_too_long;
    client:
        one_connection_is_made_for_all,
        a_call_is_cancelled_while_its_answer_arrives,
        requests_move_to_another_connection,
        the_client_goes_away_meanwhile,
        requests_stand_in_line_for_a_stream,
        a_request_in_line_gives_up_as_its_turn_comes,
        failed_attempts_end_all_that_wait,
        the_client_goes_away_while_connecting,
        requests_in_line_leave_a_draining_connection,
        a_call_is_cancelled_by_another_thread;
    http1:
        a_cut_wakes_both_halves,
        a_shutdown_ends_kept_connections,
        a_shutdown_does_not_wait_for_an_idle_connection,
        a_cut_wakes_halves_that_outlive_their_handler,
        a_cut_does_not_wait_for_a_half_that_is_held,
        a_connection_is_handed_to_the_next_in_line,
        requests_in_line_leave_a_connection_that_ends;
    websocket:
        messages_of_all_threads_arrive_whole,
        a_close_ends_the_reader_and_the_senders,
        closes_of_both_ends_meet,
        a_silent_peer_is_given_up_by_all,
        a_dropped_reader_ends_the_senders;
}
