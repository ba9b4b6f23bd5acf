"""XML namespace names of the contract and of the specifications it stands on.

Constants only; building and reading XML belongs to `carriers` and `soap`.
"""

SERVICES84 = "http://www.superoffice.net/ws/crm/NetServer/Services84"
ARRAYS = "http://schemas.microsoft.com/2003/10/Serialization/Arrays"
SERIALIZATION = "http://schemas.microsoft.com/2003/10/Serialization/"
CRYPTOGRAPHY = "http://schemas.datacontract.org/2004/07/System.Security.Cryptography"

SOAP11_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12_ENVELOPE = "http://www.w3.org/2003/05/soap-envelope"
SOAP_HTTP = "http://schemas.xmlsoap.org/soap/http"
SOAP11_NEXT_ACTOR = "http://schemas.xmlsoap.org/soap/actor/next"
SOAP12_NEXT_ROLE = "http://www.w3.org/2003/05/soap-envelope/role/next"
SOAP12_ULTIMATE_RECEIVER = "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver"

WSDL = "http://schemas.xmlsoap.org/wsdl/"
WSDL_SOAP11 = "http://schemas.xmlsoap.org/wsdl/soap/"
WSDL_SOAP12 = "http://schemas.xmlsoap.org/wsdl/soap12/"
WSAW = "http://www.w3.org/2006/05/addressing/wsdl"
WS_ADDRESSING = "http://www.w3.org/2005/08/addressing"
WS_ADDRESSING_2004 = "http://schemas.xmlsoap.org/ws/2004/08/addressing"

XSD = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
