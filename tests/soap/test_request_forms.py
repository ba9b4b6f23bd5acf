"""Every form of request that client stacks send, in their own words, is understood.

One test a stack; what they have in common (an operation with an id, a ticket) is said in each as
the stack says it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from services84.agents.call import TimeZone
from services84.soap.endpoint import SoapEndpoint
from tests.soap.wire import SOAP11, SOAP12, TICKET, Answer, Service, envelope, post

WSA = "http://www.w3.org/2005/08/addressing"
WSA_2004 = "http://schemas.xmlsoap.org/ws/2004/08/addressing"

WCF_BODY = """<SyncEmailAccount xmlns="http://www.superoffice.net/ws/crm/NetServer/Services84"><SyncUserAccount xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><TableRight i:nil="true"/><FieldProperties i:nil="true"/><AccountId>198</AccountId><AssociateName i:nil="true"/><AssociateId>0</AssociateId></SyncUserAccount></SyncEmailAccount>"""
WCF_HEADERS = """<h:ApplicationToken i:nil="true" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:h="http://www.superoffice.net/ws/crm/NetServer/Services84" xmlns="http://www.superoffice.net/ws/crm/NetServer/Services84"/><h:Credentials xmlns:h="http://www.superoffice.net/ws/crm/NetServer/Services84" xmlns="http://www.superoffice.net/ws/crm/NetServer/Services84" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><Ticket>7T:1234abcxyzExample==</Ticket></h:Credentials>"""


def check(
    answer: Answer, service: Service, version: str = SOAP11, *, account_id: int = 198
) -> None:
    """The request was understood, and the reply is of its version."""
    assert answer.status == 200, answer.body
    assert answer.version == version
    media_type = "text/xml" if version == SOAP11 else "application/soap+xml"
    assert answer.headers["content-type"] == f"{media_type}; charset=utf-8"
    assert answer.text("Succeeded") == "true"
    ((name, (account,)),) = service.calls
    assert (name, account.AccountId) == ("SyncEmailAccount", account_id)
    assert service.presented[0].ticket == TICKET


def test_wcf_basic_http_binding(endpoint: SoapEndpoint, service: Service) -> None:
    answer = post(
        endpoint,
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>{WCF_HEADERS}</s:Header><s:Body>{WCF_BODY}</s:Body></s:Envelope>',
        HTTP_SOAPACTION='"http://www.superoffice.net/ws/crm/NetServer/Services84/EMail/SyncEmailAccount"',
        HTTP_EXPECT="100-continue",
    )
    check(answer, service)
    assert service.presented[0].application_token is None
    assert service.presented[0].time_zone is None


def test_wcf_soap_12_text_binding(endpoint: SoapEndpoint, service: Service) -> None:
    text = f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header>{WCF_HEADERS}</s:Header><s:Body>{WCF_BODY}</s:Body></s:Envelope>'
    answer = post(
        endpoint,
        b"\xef\xbb\xbf" + text.encode(),
        "application/soap+xml; charset=utf-8",
        HTTP_SOAPACTION='""',
        HTTP_EXPECT="100-continue",
    )
    check(answer, service, SOAP12)


@pytest.mark.parametrize("addressing", [WSA, WSA_2004])
def test_wcf_soap_12_with_ws_addressing(
    endpoint: SoapEndpoint, service: Service, addressing: str
) -> None:
    answer = post(
        endpoint,
        f"""<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="{addressing}"><s:Header>
        <a:Action s:mustUnderstand="1">http://www.superoffice.net/ws/crm/NetServer/Services84/EMail/SyncEmailAccount</a:Action>
        {WCF_HEADERS}
        <a:MessageID>urn:uuid:4f9c1f33-8d5c-4b7e-9f0f-0b8c8f3a4c11</a:MessageID>
        <a:ReplyTo><a:Address>{addressing}/anonymous</a:Address></a:ReplyTo>
        <a:To s:mustUnderstand="1">http://localhost:8084/Remote/Services84/EMail.svc</a:To></s:Header><s:Body>{WCF_BODY}</s:Body></s:Envelope>""",
        "application/soap+xml; charset=utf-8",
    )
    check(answer, service, SOAP12)
    header = {child.tag: child.text for child in answer.root[0]}
    assert header[f"{{{addressing}}}Action"] == (
        "http://www.superoffice.net/ws/crm/NetServer/Services84/EMail/SyncEmailAccountResponse"
    )
    assert header[f"{{{addressing}}}RelatesTo"] == "urn:uuid:4f9c1f33-8d5c-4b7e-9f0f-0b8c8f3a4c11"


@pytest.mark.parametrize(
    ("soap", "content_type"),
    [
        (SOAP11, "text/xml; charset=utf-8"),
        (
            SOAP12,
            'application/soap+xml; charset=utf-8; action="http://www.superoffice.net/ws/crm/NetServer/Services84/EMail/SyncEmailAccount"',
        ),
    ],
)
def test_asmx_proxies(
    endpoint: SoapEndpoint, service: Service, soap: str, content_type: str
) -> None:
    answer = post(
        endpoint,
        f"""<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{soap}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><soap:Header><ApplicationToken xmlns="http://www.superoffice.net/ws/crm/NetServer/Services84" /><Credentials xmlns="http://www.superoffice.net/ws/crm/NetServer/Services84"><Ticket>7T:1234abcxyzExample==</Ticket></Credentials><TimeZone xsi:nil="true" xmlns="http://www.superoffice.net/ws/crm/NetServer/Services84" /></soap:Header><soap:Body><SyncEmailAccount xmlns="http://www.superoffice.net/ws/crm/NetServer/Services84"><SyncUserAccount><AccountId>198</AccountId><AssociateName xsi:nil="true" /></SyncUserAccount></SyncEmailAccount></soap:Body></soap:Envelope>""",
        content_type,
        HTTP_EXPECT="100-continue",
    )
    check(answer, service, soap)


@pytest.mark.parametrize(
    ("soap", "encoding", "flag", "content_type"),
    [
        (SOAP11, "http://schemas.xmlsoap.org/soap/encoding/", "1", "text/xml; charset=utf-8"),
        (
            SOAP12,
            "http://www.w3.org/2003/05/soap-encoding",
            "true",
            'application/soap+xml; charset=utf-8; action="http://www.superoffice.net/ws/crm/NetServer/Services84/EMail/SyncEmailAccount"',
        ),
    ],
)
def test_gsoap(
    endpoint: SoapEndpoint, service: Service, soap: str, encoding: str, flag: str, content_type: str
) -> None:
    answer = post(
        endpoint,
        f"""<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="{soap}" xmlns:SOAP-ENC="{encoding}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:ns1="http://schemas.microsoft.com/2003/10/Serialization/" xmlns:ns4="http://www.superoffice.net/ws/crm/NetServer/Services84"><SOAP-ENV:Header><ns4:ApplicationToken SOAP-ENV:mustUnderstand="{flag}">1234567-1234-9876</ns4:ApplicationToken><ns4:Credentials SOAP-ENV:mustUnderstand="{flag}"><ns4:Ticket>7T:1234abcxyzExample==</ns4:Ticket></ns4:Credentials></SOAP-ENV:Header><SOAP-ENV:Body><ns4:SyncEmailAccount><ns4:SyncUserAccount><ns4:AccountId>198</ns4:AccountId></ns4:SyncUserAccount></ns4:SyncEmailAccount></SOAP-ENV:Body></SOAP-ENV:Envelope>""",
        content_type,
        HTTP_CONNECTION="close",
        HTTP_SOAPACTION='"http://www.superoffice.net/ws/crm/NetServer/Services84/EMail/SyncEmailAccount"',
    )
    check(answer, service, soap)
    assert service.presented[0].application_token == "1234567-1234-9876"


@pytest.mark.parametrize("soap", [SOAP11, SOAP12])
def test_php_soap_client(endpoint: SoapEndpoint, service: Service, soap: str) -> None:
    answer = post(
        endpoint,
        f"""<?xml version="1.0" encoding="UTF-8"?>
<env:Envelope xmlns:env="{soap}" xmlns:ns1="http://www.superoffice.net/ws/crm/NetServer/Services84"><env:Header><ns1:Credentials><ns1:Ticket>7T:1234abcxyzExample==</ns1:Ticket></ns1:Credentials></env:Header><env:Body><ns1:SyncEmailAccount><ns1:SyncUserAccount><ns1:AccountId>198</ns1:AccountId><ns1:AssociateId>0</ns1:AssociateId></ns1:SyncUserAccount></ns1:SyncEmailAccount></env:Body></env:Envelope>
""",
        "text/xml; charset=utf-8"
        if soap == SOAP11
        else 'application/soap+xml; charset=utf-8; action="http://www.superoffice.net/ws/crm/NetServer/Services84/EMail/SyncEmailAccount"',
    )
    check(answer, service, soap)


@pytest.mark.parametrize("soap", [SOAP11, SOAP12])
def test_node_soap(endpoint: SoapEndpoint, service: Service, soap: str) -> None:
    answer = post(
        endpoint,
        f"""<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="{soap}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:wsap="http://schemas.xmlsoap.org/ws/2004/08/addressing/policy" xmlns:msc="http://schemas.microsoft.com/ws/2005/12/wsdl/contract" xmlns:tns="http://www.superoffice.net/ws/crm/NetServer/Services84"><soap:Header>undefined<tns:ApplicationToken>x</tns:ApplicationToken>
and<tns:Credentials xmlns:tns="http://www.superoffice.net/ws/crm/NetServer/Services84"><tns:Ticket>7T:1234abcxyzExample==</tns:Ticket></tns:Credentials></soap:Header><soap:Body><SyncEmailAccount xmlns="http://www.superoffice.net/ws/crm/NetServer/Services84"><SyncUserAccount><AccountId>198</AccountId></SyncUserAccount></SyncEmailAccount></soap:Body></soap:Envelope>""",
        "text/xml; charset=utf-8" if soap == SOAP11 else "application/soap+xml; charset=utf-8",
        HTTP_ACCEPT_ENCODING="none",
    )
    check(answer, service, soap)


def test_zeep_adds_addressing_headers_and_gets_none_back(
    endpoint: SoapEndpoint, service: Service
) -> None:
    answer = post(
        endpoint,
        """<?xml version='1.0' encoding='utf-8'?>
<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/"><soap-env:Header xmlns:wsa="http://www.w3.org/2005/08/addressing"><wsa:Action>http://www.superoffice.net/ws/crm/NetServer/Services84/EMail/SyncEmailAccount</wsa:Action><wsa:MessageID>urn:uuid:1</wsa:MessageID><wsa:To>http://localhost/</wsa:To><ns0:Credentials xmlns:ns0="http://www.superoffice.net/ws/crm/NetServer/Services84"><ns0:Ticket>7T:1234abcxyzExample==</ns0:Ticket></ns0:Credentials></soap-env:Header><soap-env:Body><ns0:SyncEmailAccount xmlns:ns0="http://www.superoffice.net/ws/crm/NetServer/Services84"><ns0:SyncUserAccount><ns0:AccountId>198</ns0:AccountId></ns0:SyncUserAccount></ns0:SyncEmailAccount></soap-env:Body></soap-env:Envelope>""",
        HTTP_SOAPACTION='"http://www.superoffice.net/ws/crm/NetServer/Services84/EMail/SyncEmailAccount"',
    )
    check(answer, service)
    assert WSA.encode() not in answer.body


def test_suds_with_its_two_prefixes(endpoint: SoapEndpoint, service: Service) -> None:
    answer = post(
        endpoint,
        """<?xml version="1.0" encoding="UTF-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns0="http://www.superoffice.net/ws/crm/NetServer/Services84" xmlns:ns1="http://schemas.xmlsoap.org/soap/envelope/"><SOAP-ENV:Header><ns0:Credentials><ns0:Ticket>7T:1234abcxyzExample==</ns0:Ticket></ns0:Credentials></SOAP-ENV:Header><ns1:Body><ns0:SyncEmailAccount><ns0:SyncUserAccount><ns0:AccountId>198</ns0:AccountId></ns0:SyncUserAccount></ns0:SyncEmailAccount></ns1:Body></SOAP-ENV:Envelope>""",
        HTTP_SOAPACTION="http://www.superoffice.net/ws/crm/NetServer/Services84/EMail/SyncEmailAccount",
    )
    check(answer, service)


def test_java_jax_ws(endpoint: SoapEndpoint, service: Service) -> None:
    answer = post(
        endpoint,
        """<?xml version="1.0" ?><S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Header><ApplicationToken xmlns="http://www.superoffice.net/ws/crm/NetServer/Services84" xmlns:ns2="http://schemas.microsoft.com/2003/10/Serialization/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"></ApplicationToken><Credentials xmlns="http://www.superoffice.net/ws/crm/NetServer/Services84"><Ticket>\ufeff7T:1234abcxyzExample==
</Ticket></Credentials><TimeZone xmlns="http://www.superoffice.net/ws/crm/NetServer/Services84" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"></TimeZone></S:Header><S:Body><SyncEmailAccount xmlns="http://www.superoffice.net/ws/crm/NetServer/Services84" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><SyncUserAccount><TableRight xsi:nil="true"></TableRight><FieldProperties xsi:nil="true"></FieldProperties><AccountId>198</AccountId></SyncUserAccount></SyncEmailAccount></S:Body></S:Envelope>""",
        HTTP_ACCEPT="text/xml, multipart/related",
    )
    check(answer, service)


@pytest.mark.parametrize(
    ("soap", "encoding", "content_type"),
    [
        (SOAP11, "http://schemas.xmlsoap.org/soap/encoding/", "text/xml; charset=utf-8"),
        (SOAP12, "http://www.w3.org/2003/05/soap-encoding", "application/soap+xml; charset=utf-8"),
    ],
)
def test_perl_soap_lite(
    endpoint: SoapEndpoint, service: Service, soap: str, encoding: str, content_type: str
) -> None:
    answer = post(
        endpoint,
        f"""<?xml version="1.0" encoding="UTF-8"?><soap:Envelope soap:encodingStyle="{encoding}" xmlns:soap="{soap}" xmlns:soapenc="{encoding}" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soap:Header><Credentials xmlns="http://www.superoffice.net/ws/crm/NetServer/Services84"><Ticket xsi:type="xsd:string">7T:1234abcxyzExample==</Ticket></Credentials></soap:Header><soap:Body><SyncEmailAccount xmlns="http://www.superoffice.net/ws/crm/NetServer/Services84"><SyncUserAccount><AccountId xsi:type="xsd:int">198</AccountId><AssociateName xsi:type="xsd:base64Binary">SsO4cmdlbg==</AssociateName></SyncUserAccount></SyncEmailAccount></soap:Body></soap:Envelope>""",
        content_type,
        HTTP_SOAPACTION='"http://www.superoffice.net/ws/crm/NetServer/Services84#SyncEmailAccount"',
    )
    check(answer, service, soap)
    assert service.calls[0][1][0].AssociateName == "Jørgen"


@pytest.mark.parametrize(
    "content_type", ["application/soap+xml", "text/xml;charset=UTF-8", "application/xml", None]
)
def test_the_documented_samples(
    endpoint: SoapEndpoint, service: Service, content_type: str | None
) -> None:
    answer = post(
        endpoint,
        """<?xml version="1.0" encoding="UTF-8"?>
<V:Envelope xmlns:V="http://www.w3.org/2003/05/soap-envelope"
 xmlns:t="http://www.w3.org/2001/XMLSchema-instance" xmlns:d="http://www.w3.org/2001/XMLSchema"
 xmlns:M="http://www.superoffice.net/ws/crm/NetServer/Services84">
  <M:ApplicationToken>token</M:ApplicationToken>
  <M:Credentials><M:Ticket>7T:1234abcxyzExample==</M:Ticket></M:Credentials>
  <V:Body><M:SyncEmailAccount>
    <M:SyncUserAccount t:type="M:SyncUserAccount"><M:AccountId t:type="d:int">0</M:AccountId>
      <M:AssociateName t:type="d:string"></M:AssociateName></M:SyncUserAccount>
  </M:SyncEmailAccount></V:Body>
</V:Envelope>
""",
        content_type,
    )
    check(answer, service, SOAP12, account_id=0)
    assert service.presented[0].application_token == "token"


def test_the_vendors_own_sample_byte_for_byte(
    endpoint: SoapEndpoint, service: Service, shared_folder: Path
) -> None:
    (page,) = (shared_folder / "seeds").glob("002_*")
    sample = page.read_text("utf-8").split("```xml\n")[1].partition("```")[0]
    assert TICKET in sample
    check(post(endpoint, sample), service, SOAP12, account_id=0)


@pytest.mark.parametrize("soap", [SOAP11, SOAP12])
def test_utf_16_and_chunks(endpoint: SoapEndpoint, service: Service, soap: str) -> None:
    body = envelope(
        "<SyncEmailAccount><SyncUserAccount><AccountId>198</AccountId></SyncUserAccount></SyncEmailAccount>",
        version=soap,
    ).encode("utf-16")
    more = {"wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    check(post(endpoint, body, "text/xml; charset=utf-16", **more), service, soap)


@pytest.mark.parametrize("action", ["", '""', "urn:wrong", f'"{SOAP11}/GetCurrentAccountId"'])
def test_the_soap_action_decides_nothing(
    endpoint: SoapEndpoint, service: Service, action: str
) -> None:
    body = "<SyncEmailAccount><SyncUserAccount><AccountId>198</AccountId></SyncUserAccount></SyncEmailAccount>"
    check(post(endpoint, envelope(body), HTTP_SOAPACTION=action), service)


def test_headers_in_any_order_beside_unknown_ones(endpoint: SoapEndpoint, service: Service) -> None:
    header = (
        '<x:Trace xmlns:x="urn:x">1</x:Trace><TimeZone><SoTimeZoneLocationCode>NO'
        "</SoTimeZoneLocationCode><SoTimeZoneId>261</SoTimeZoneId></TimeZone>"
        f"<Credentials><Ticket>{TICKET}</Ticket></Credentials><Unknown/>"
    )
    body = "<SyncEmailAccount><SyncUserAccount><AccountId>198</AccountId></SyncUserAccount></SyncEmailAccount>"
    answer = post(endpoint, envelope(body, header=header))
    check(answer, service)
    assert service.presented[0].time_zone == TimeZone(261, "NO")
    assert answer.text("SoTimeZoneId") == "261"
    assert answer.text("SoTimeZoneLocationCode") == "NO"


@pytest.mark.parametrize(
    "body",
    [
        "<SyncEmailAccount/>",
        '<SyncEmailAccount><SyncUserAccount i:nil="true"/></SyncEmailAccount>',
    ],
)
def test_an_absent_and_a_nil_parameter_are_none(
    endpoint: SoapEndpoint, service: Service, body: str
) -> None:
    assert post(endpoint, envelope(body)).text("Succeeded") == "true"
    assert service.calls == [("SyncEmailAccount", (None,))]
