"""The data contracts of Services84 as Spyne types, with the vendor's names and order of members.

Data only: no carrier knows the store, the mail server or SOAP. Importing this package makes Spyne
importable first, which is why everything that uses Spyne imports it before.
"""

from services84.compat import prepare_spyne

prepare_spyne()
