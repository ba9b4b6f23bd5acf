"""The resource EmailAccounts: mail accounts as records, for those who manage everybody's."""
