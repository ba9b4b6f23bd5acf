"""For each operation the test that shows what it does, and the one that shows when it refuses.

By the tests' node ids; an id without parameters stands for all of a test's. `witness` sees to it
that the tests do what is said of them here, `tests.agents.test_coverage` that no operation is
left out and every test exists.
"""

from __future__ import annotations

_AGENTS = "tests/agents/test_"
_BAD_INPUT = "tests/conformance/test_bad_input.py::test_"


def _in(file: str, **tests: str) -> dict[str, str]:
    """Operation → node id, of tests in one file of the agents."""
    return {operation: f"{_AGENTS}{file}.py::test_{test}" for operation, test in tests.items()}


def _blank(kind: str) -> str:
    values = "a_blank_carrier_is_valid_and_has_these_values"
    return f"{_AGENTS}defaults.py::test_{values}[{kind}-1.1]"


def _guarded(operation: str) -> str:
    return f"{_AGENTS}refusals.py::test_without_a_ticket_nothing_is_done[EMail.{operation}-1.1]"


_BLANKS = (
    "EMailAddress",
    "EMailAttachment",
    "EMailConnectionInfo",
    "EMailConnectionInfoExtended",
    "EMailCustomHeader",
    "EMailEntity",
    "EMailEnvelope",
    "EMailFolder",
    "EMailSOInfo",
)
# Whoever calls these can only be the wrong one: there is nothing else to give.
WITHOUT_MEMBERS = frozenset(
    {
        *(f"CreateDefault{kind}" for kind in (*_BLANKS, "EMailAccount")),
        "CacheFolderList",
        "GetCurrentAccount",
        "GetCurrentAccountId",
        "GetReadySyncEmailAccounts",
        "TestAuthenticate",
    }
)
# These leave something on a mail server, where others have to see it.
ON_A_SERVER = frozenset(
    {
        "CreateFolder",
        "Delete",
        "DeleteEmails",
        "DeleteExtended",
        "DeleteFolder",
        "EmptyFolder",
        "GetEMailFromId",
        "MarkAsRead",
        "MarkEmailsAsRead",
        "MoveEmailsToFolder",
        "MoveEmailsToTrash",
        "MoveToFolder",
        "RelayMessage",
        "SaveDraft",
        "SaveEMail",
        "SaveToMailServer",
        "Send",
        "SendAndSaveEmailToTmpDocument",
        "SendEMails",
        "SetRepliedAt",
        "SetSubscription",
        "SyncEmailAccount",
        "ToggleSubscription",
    }
)

EFFECTS: dict[str, str] = {
    **{f"CreateDefault{kind}": _blank(kind) for kind in _BLANKS},
    **_in(
        "defaults",
        CreateDefaultEMailAccount="a_blank_account_is_saved_once_it_is_filled_in",
    ),
    **_in(
        "accounts",
        SaveEMailAccount="a_saved_account_comes_back_with_its_ids_and_a_mask",
        DeleteEMailAccount="a_deleted_account_is_gone",
        GetEMailAccount="a_saved_account_comes_back_with_its_ids_and_a_mask",
        GetEMailAccountFromEMailAddress="an_account_is_found_by_its_address_in_any_case",
        GetCurrentAccountId="the_current_account_is_the_callers",
        GetCurrentAccount="the_current_account_is_the_callers",
        GetReadySyncEmailAccounts="ready_accounts_are_the_callers_own_and_an_administrators_all",
    ),
    **_in(
        "sync",
        SyncEmailAccount="a_sync_brings_the_cache_level_with_the_server",
        SyncEmailAccounts="several_accounts_are_synced_while_nobody_waits",
    ),
    **_in(
        "addresses",
        GetPersonEntitiesFromEmailAddress="a_person_is_given_with_all_that_the_book_knows",
        FindAddress="all_who_share_an_address_are_found_and_listed",
        GetEMailAddresses="ids_give_their_addresses_in_the_order_asked_for",
        FindContactOrPersonByEmailName="senders_are_found_by_name_and_address",
    ),
    **_in(
        "authentication",
        AuthenticateIncoming="incoming_tells_right_from_wrong",
        AuthenticateOutgoing="outgoing_tells_right_from_wrong",
        Authenticate="authenticate_asks_an_imap_server",
        TestAuthenticate="a_working_account_tests_as_working",
    ),
    **_in(
        "documents",
        GetEMailFromDocumentId="an_archived_mail_is_given_with_what_it_is_filed_under",
        CreateEMailFromDocumentEntity=(
            "a_document_entity_archives_the_temporary_document_that_it_names"
        ),
        GetEMailFromTemp="a_composed_mail_is_saved_as_a_temporary_document",
        SaveEmailToTmpDocument="a_composed_mail_is_saved_as_a_temporary_document",
        GetEMailFromDocumentIdWithoutAttachmentStream=(
            "without_its_streams_an_archived_mail_still_names_its_attachments"
        ),
        GetEMailSOInfo="a_document_is_what_its_mail_is_filed_under",
    ),
    **_in(
        "cached_messages",
        GetEMail="a_message_is_given_whole_and_no_server_is_asked",
        GetMailFromMessageId="a_message_is_found_by_its_message_id",
        GetMailFromInReplyTo="an_answer_is_found_by_what_it_answers",
        GetAttachmentFromId="an_attachment_is_found_by_content_id_and_by_number",
        HasNewMail="new_is_what_came_after_a_message",
        LatestItemIdByFolder="new_is_what_came_after_a_message",
        GetNewMail="new_mail_of_some_folders_is_fetched_and_told",
    ),
    **_in(
        "filing",
        MarkEmailsAsRead="messages_of_several_folders_are_marked_as_read_and_as_unread",
        DeleteEmails="messages_are_deleted_and_no_others",
        MoveEmailsToTrash="messages_go_to_the_folder_for_deleted_ones",
        MoveEmailsToFolder="messages_are_moved_and_keep_their_ids",
        SetRepliedAt="every_copy_of_an_answered_message_is_marked_and_dated",
    ),
    **_in(
        "cached_saving",
        Save="when_a_message_was_answered_is_saved_in_the_cache",
        SaveToMailServer="changed_content_makes_a_new_message_in_the_same_place",
        SaveDraft="a_draft_is_in_the_folder_for_drafts",
    ),
    **_in(
        "folders",
        GetFolderList="the_list_counts_unread_and_all_messages_where_asked_to",
        GetFolderEMailCount="messages_are_counted_and_unread_ones_where_asked_to",
        GetFolderInfo="named_folders_are_described_each_once_in_their_order",
        GetFolderHasNewEMail="mail_is_new_once",
    ),
    **_in(
        "folder_changes",
        CreateFolder="a_folder_is_made_and_subscribed_and_cached",
        DeleteFolder="a_folder_goes_with_its_mail_and_its_subscription",
        EmptyFolder="every_message_is_removed",
        SetSubscription="folders_are_subscribed_and_unsubscribed_in_the_cache_as_well",
    ),
    **_in(
        "folder_cache",
        RefreshFolder="named_folders_are_level_and_the_others_as_they_were",
        RefreshFolderForAssociate="an_object_for_each_folder_tells_what_was_done",
        CacheFolderList="the_list_is_cached_and_given_with_ids_and_numbers",
        ToggleSubscription="a_cached_folder_is_subscribed_and_unsubscribed_on_its_server",
    ),
    **_in(
        "live_filing",
        SaveEMail="a_mail_is_saved_with_its_flags_and_dates",
        MarkAsRead="messages_are_marked_as_read_and_as_unread_again",
        Delete="messages_are_deleted_and_no_others",
        MoveToFolder="messages_are_moved_to_where_they_are",
        DeleteExtended="messages_are_deleted_by_their_message_ids",
    ),
    **_in(
        "messages",
        GetEMailFromId="flags_are_set_on_the_message_that_is_given",
        GetAttachment="an_attachment_is_found_by_its_content_id_or_number",
        GetEMailAsStream="a_message_is_given_byte_for_byte",
        GetEMailEnvelopes=(
            "heads_come_in_the_order_of_the_ids_each_once_and_without_those_that_are_gone"
        ),
        CreateEMailFromMimeMessage="a_message_is_read_from_text_and_stored_nowhere",
        GetEmailMessageIds="messages_are_named_so_that_each_id_means_one",
        GetEmailsAsString="texts_come_one_for_each_id_and_nil_for_one_that_is_not_there",
    ),
    **_in(
        "sending",
        Send="a_sent_mail_arrives_and_a_copy_is_kept_that_the_cache_knows",
        SendEMails="emails_go_through_the_server_that_is_named",
        RelayMessage="a_message_is_relayed_as_it_is_to_those_who_are_named",
        SendAndSaveEmailToTmpDocument="a_mail_is_sent_and_is_there_as_a_temporary_document",
        CreateForwardEmail="a_forwarded_mail_can_be_sent_with_what_was_attached",
    ),
}


def _bad(test: str, *operations: str) -> dict[str, str]:
    """Operation → node id, of a test of bad input that is made for each."""
    return {operation: f"{_BAD_INPUT}{test}[{operation}]" for operation in operations}


REFUSALS: dict[str, str] = {
    **{operation: _guarded(operation) for operation in WITHOUT_MEMBERS},
    # No such id, or another's.
    **_bad(
        "an_id_of_nothing_or_of_anothers_is_named",
        "SaveEMailAccount",
        "DeleteEMailAccount",
        "GetEMailAccount",
        "GetEMailAddresses",
        "GetEMailFromDocumentId",
        "CreateEMailFromDocumentEntity",
        "GetEMailFromDocumentIdWithoutAttachmentStream",
        "GetEMailSOInfo",
        "GetEMail",
        "MarkEmailsAsRead",
        "DeleteEmails",
        "MoveEmailsToTrash",
        "MoveEmailsToFolder",
        "SyncEmailAccount",
        "ToggleSubscription",
        "CreateForwardEmail",
        "MarkAsRead",
        "Delete",
        "MoveToFolder",
        "GetEMailFromId",
        "GetAttachment",
        "GetEMailAsStream",
        "HasNewMail",
        "LatestItemIdByFolder",
        "Save",
        "SaveToMailServer",
        "SendEMails",
        "SendAndSaveEmailToTmpDocument",
    ),
    # No such folder.
    **_bad(
        "what_is_no_name_of_a_folder_is_named",
        "CreateFolder",
        "EmptyFolder",
        "GetFolderEMailCount",
        "GetFolderHasNewEMail",
        "GetEmailMessageIds",
        "SaveEMail",
    ),
    **_bad(
        "an_address_with_line_breaks_is_named",
        "GetEMailAccountFromEMailAddress",
        "GetPersonEntitiesFromEmailAddress",
        "FindAddress",
        "FindContactOrPersonByEmailName",
        "RelayMessage",
        "Send",
    ),
    **_in("refusals", SyncEmailAccounts="many_syncs_refuse_foreign_and_missing_accounts_alike"),
    **_in(
        "authentication",
        AuthenticateIncoming="a_closed_port_is_no_answer[AuthenticateIncoming]",
        AuthenticateOutgoing="a_closed_port_is_no_answer[AuthenticateOutgoing]",
        Authenticate="bad_extended_connection_info_is_named",
    ),
    **_in(
        "documents",
        GetEMailFromTemp="a_temporary_document_is_for_its_owner_alone",
        SaveEmailToTmpDocument="foreign_folders_and_messages_are_not_saved",
    ),
    **_in(
        "cached_messages",
        GetMailFromMessageId=(
            "a_message_id_has_to_be_one_that_the_caller_has[GetMailFromMessageId]"
        ),
        GetMailFromInReplyTo=(
            "a_message_id_has_to_be_one_that_the_caller_has[GetMailFromInReplyTo]"
        ),
        SetRepliedAt="a_message_id_has_to_be_one_that_the_caller_has[SetRepliedAt]",
        GetAttachmentFromId="an_attachment_that_is_not_there_is_named",
        GetNewMail="new_mail_of_folders_that_are_not_there_is_refused",
    ),
    **_in("cached_saving", SaveDraft="whoever_has_no_account_saves_nothing"),
    **_in(
        "folders",
        GetFolderList="a_wrong_password_is_told[GetFolderList]",
        GetFolderInfo="what_is_no_folder_is_named_by_its_place",
    ),
    **_in(
        "folder_changes",
        DeleteFolder="inbox_is_not_deleted_and_the_servers_reason_is_told",
        SetSubscription="one_wrong_folder_and_none_is_subscribed",
    ),
    **_in(
        "folder_cache",
        RefreshFolder="the_account_of_another_associate_is_none_of_the_callers",
        RefreshFolderForAssociate="a_folder_that_does_not_exist_is_named_by_its_place",
    ),
    **_in(
        "live_filing_refused",
        DeleteExtended="when_one_message_id_is_missing_nothing_is_deleted",
    ),
    **_in(
        "messages_refused",
        GetEMailEnvelopes="zero_among_ids_is_named",
        CreateEMailFromMimeMessage="no_message_is_read_from_nothing",
        GetEmailsAsString="an_empty_id_is_named",
    ),
}
