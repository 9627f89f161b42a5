"""
What goes wrong with tokens elsewhere: 45 scenarios, each of them a test.

==========  ==============================  ===============================
1 to 13     stampede and flight             ``test_scenarios_flight.py``
14 to 20    invalidation and 401            ``test_scenarios_rejection.py``
21 to 29    expiry                          ``test_scenarios_expiry.py``
30 to 34    the token endpoint              ``test_scenarios_endpoint.py``
35 to 39    tenants and keys                ``test_scenarios_tenants.py``
40 to 45    secrets                         ``test_scenarios_secrets.py``
==========  ==============================  ===============================

Those of credentials that leave their origin (19, 42, 43), of a key in a URL (40)
and of how an id and a secret are written (33) stand with what they are about.
"""

from __future__ import annotations

import pytest

from tests.auth import test_scenarios_endpoint as endpoint
from tests.auth import test_scenarios_expiry as expiry
from tests.auth import test_scenarios_flight as flight
from tests.auth import test_scenarios_rejection as rejection
from tests.auth import test_scenarios_secrets as secrets
from tests.auth import test_scenarios_tenants as tenants
from tests.auth import test_sharing as sharing

SCENARIOS = {
    1: [flight.test_a_cold_burst_asks_for_one_token],
    2: [
        flight.test_four_loops_and_threads_on_one_strategy_ask_for_one_token,
        flight.test_two_hundred_tasks_and_fifty_threads_ask_for_one_token,
        flight.test_trio_and_asyncio_take_turns_on_one_strategy,
    ],
    3: [flight.test_who_comes_to_fetch_when_the_token_is_there_takes_it],
    4: [
        flight.test_a_loop_goes_on_while_a_token_is_fetched,
        sharing.test_a_blocking_cache_in_async_code_holds_no_loop,
    ],
    5: [flight.test_the_slow_endpoint_of_one_tenant_holds_no_other],
    6: [flight.test_a_leader_that_is_cancelled_leaves_its_fetch_to_the_others],
    7: [flight.test_a_waiter_that_is_cancelled_cancels_nobody_else],
    8: [flight.test_callers_who_are_all_impatient_get_the_token_in_the_end],
    9: [
        flight.test_a_loop_that_ends_in_the_middle_of_a_fetch_leaves_it_to_others,
        flight.test_a_loop_that_stops_for_ever_in_the_middle_of_a_fetch_delays_nobody,
        flight.test_a_fetch_that_lives_on_a_loop_that_stopped_is_replaced,
        sharing.test_when_the_loop_of_an_async_cache_stops_for_ever_others_get_a_token,
        sharing.test_an_async_cache_whose_loop_ends_meanwhile_is_none,
    ],
    10: [
        flight.test_blocking_code_on_the_thread_of_a_loop_gets_its_token,
        flight.test_blocking_code_on_the_thread_of_a_loop_cannot_use_its_async_cache,
    ],
    11: [flight.test_a_token_request_that_needs_its_own_token_is_told_so],
    12: [flight.test_a_child_forked_during_a_fetch_fetches_for_itself],
    13: [flight.test_a_fetch_that_fails_before_anything_is_sent_leaves_the_way_free],
    14: [rejection.test_a_late_401_of_the_old_token_leaves_the_new_one],
    15: [
        rejection.test_a_fetch_begun_before_invalidate_is_for_its_waiters_only,
        rejection.test_a_fetch_begun_before_its_secret_changed_is_found_under_the_old_one_only,
    ],
    16: [
        rejection.test_401_for_ever_is_retried_once_and_costs_few_tokens,
        rejection.test_bursts_of_401_for_ever_cost_one_more_token_each_at_most,
    ],
    17: [
        rejection.test_a_retry_carries_the_new_token,
        rejection.test_there_is_no_retry_with_the_token_that_was_rejected,
    ],
    18: [
        rejection.test_a_body_that_cannot_be_sent_twice_gets_its_401,
        rejection.test_in_a_client_of_the_host_that_401_is_the_answer,
    ],
    19: "test_origins.py",
    20: [
        rejection.test_a_revoked_token_is_healed_by_one_refresh_for_all,
        rejection.test_a_revoked_token_is_healed_within_the_lookup,
    ],
    21: [expiry.test_a_life_shorter_than_the_leeway_is_used_for_the_most_part],
    22: [expiry.test_a_server_that_repeats_a_token_until_it_dies_is_not_hammered],
    23: [
        expiry.test_whatever_a_server_says_about_the_lifetime_has_a_meaning,
        expiry.test_no_token_lives_for_ever,
        expiry.test_a_token_for_one_use_is_used_once_by_each_who_waited_for_it,
    ],
    24: [expiry.test_a_lifetime_counts_from_when_the_token_was_asked_for],
    25: [
        expiry.test_a_wall_clock_that_is_wrong_changes_no_life,
        expiry.test_a_wall_clock_that_is_turned_back_makes_no_life_longer,
        expiry.test_a_wall_clock_that_is_turned_ahead_costs_one_token,
    ],
    26: [expiry.test_a_token_does_not_outlive_the_sleep_of_its_machine],
    27: [
        expiry.test_the_leeway_is_taken_off_the_end,
        expiry.test_a_token_is_good_before_its_end_and_not_at_it,
    ],
    28: [
        expiry.test_a_refresh_that_fails_leaves_the_token_that_is_good,
        expiry.test_when_refreshes_failed_until_its_end_the_token_is_not_used_any_more,
    ],
    29: [expiry.test_near_its_end_one_refreshes_and_nobody_waits],
    30: [
        endpoint.test_an_endpoint_that_is_down_is_asked_once_for_a_crowd,
        endpoint.test_the_next_request_comes_after_the_pause_and_no_sooner,
        endpoint.test_an_hour_of_failures_costs_few_requests,
        endpoint.test_no_caller_sleeps_until_the_pause_is_over,
        endpoint.test_an_endpoint_that_wants_fewer_calls_says_so_to_all,
    ],
    31: [
        endpoint.test_a_client_that_is_refused_is_not_tried_again_and_waits_longer,
        endpoint.test_a_secret_that_is_mended_works_at_once,
    ],
    32: [endpoint.test_a_200_without_a_token_names_what_is_missing_and_never_the_body],
    33: "test_oauth2.py",
    34: [endpoint.test_a_redirect_of_the_token_request_is_not_followed],
    35: [
        tenants.test_whatever_is_another_in_the_request_is_another_token,
        tenants.test_whatever_is_another_in_headers_and_body_is_another_token,
    ],
    36: [tenants.test_a_wrong_secret_is_not_served_with_the_token_of_the_right_one],
    37: [tenants.test_a_rotated_secret_is_used_with_the_next_call],
    38: [
        tenants.test_ten_thousand_tenants_take_bounded_memory,
        tenants.test_what_is_remembered_of_invalidated_tokens_is_bounded_as_well,
    ],
    39: [
        tenants.test_the_client_of_the_host_is_left_as_it_was,
        tenants.test_users_of_one_strategy_object_share_nothing_that_one_of_them_set,
    ],
    40: "test_credentials.py",
    41: [
        secrets.test_a_secret_with_a_line_break_at_its_end_is_refused_and_not_quoted,
        secrets.test_a_secret_that_comes_from_its_source_with_a_line_break_is_not_quoted_either,
    ],
    42: "test_withheld.py",
    43: "test_origins.py",
    44: [
        secrets.test_no_log_at_any_level_names_a_secret_or_a_token,
        secrets.test_no_failure_shows_a_secret_or_a_token_in_any_view_of_it,
        secrets.test_no_view_of_a_thing_shows_what_it_holds,
        secrets.test_what_holds_a_secret_is_not_written_to_a_file_or_a_queue,
        secrets.test_the_work_of_a_flight_shows_nothing,
    ],
    45: [
        secrets.test_the_client_of_a_host_sees_nothing_of_the_token_request,
        secrets.test_after_a_retry_the_history_has_the_rejection_and_nothing_else,
    ],
}
# Files of tests about other things, which have a scenario among them.
ELSEWHERE = {number: place for number, place in SCENARIOS.items() if isinstance(place, str)}
MODULES = [endpoint, expiry, flight, rejection, secrets, tenants]


def test_every_scenario_has_its_place():
    assert list(SCENARIOS) == list(range(1, 46))
    assert set(ELSEWHERE) == {19, 33, 40, 42, 43}


@pytest.mark.parametrize("number", [number for number in SCENARIOS if number not in ELSEWHERE])
def test_a_scenario_is_a_test_that_says_where_it_happened(number):
    tests = SCENARIOS[number]

    assert tests
    assert all(callable(test) and test.__name__.startswith("test_") for test in tests)
    assert all((test.__doc__ or "").strip() for test in tests)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_test_of_a_scenario_is_in_the_table(module):
    known = {test for tests in SCENARIOS.values() if isinstance(tests, list) for test in tests}
    tests = {thing for name, thing in vars(module).items() if name.startswith("test_")}

    assert tests <= known
