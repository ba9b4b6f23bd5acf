"""The XML schemas inside a WSDL, compiled together: what a caller's own toolkit makes of them."""

from __future__ import annotations

from typing import Any

from lxml import etree

XSD = "{http://www.w3.org/2001/XMLSchema}"


def inline_schemas(wsdl: bytes) -> list[Any]:
    """The schema elements of a WSDL."""
    return list(etree.fromstring(wsdl).iter(f"{XSD}schema"))


class _Inline(etree.Resolver):
    """Finds an imported schema in memory, by its namespace."""

    def __init__(self, texts: dict[str, bytes]) -> None:
        super().__init__()
        self._texts = texts

    def resolve(self, url: str, _: Any, context: Any) -> Any:
        return self.resolve_string(self._texts[url], context, base_url=url)


def compile_schemas(wsdl: bytes) -> etree.XMLSchema:
    """One validator of all inline schemas; raises XMLSchemaParseError for an invalid one."""
    schemas = inline_schemas(wsdl)
    namespaces = [schema.get("targetNamespace") for schema in schemas]
    for schema in schemas:
        for found in schema.iter(f"{XSD}import"):
            assert found.get("namespace") in namespaces
            found.set("schemaLocation", f"inline:{found.get('namespace')}")
    texts = {
        f"inline:{namespace}": etree.tostring(schema)
        for namespace, schema in zip(namespaces, schemas, strict=True)
    }
    parser = etree.XMLParser()
    parser.resolvers.add(_Inline(texts))
    imports = "".join(
        f'<xs:import namespace="{namespace}" schemaLocation="inline:{namespace}"/>'
        for namespace in namespaces
    )
    root = f'<xs:schema xmlns:xs="{XSD[1:-1]}">{imports}</xs:schema>'
    return etree.XMLSchema(etree.fromstring(root, parser))


def check_reply(schema: etree.XMLSchema, envelope: Any) -> None:
    """Every header of a reply and what its Body holds is as the schema declares it."""
    blocks = [block for part in envelope for block in part]
    assert len(blocks) == 5, [block.tag for block in blocks]
    for block in blocks:
        schema.assertValid(etree.fromstring(etree.tostring(block)))
