// Compiles the schemas inside a WSDL as .NET's own tools do: all together, nothing from outside.
//
// Arguments: the WSDL's file. Says the global elements' number; ends with 1 at an error or warning.

using System;
using System.Xml;
using System.Xml.Schema;

public static class Schemas
{
    public static int Main(string[] args)
    {
        var problems = 0;
        var wsdl = new XmlDocument { XmlResolver = null };
        wsdl.Load(args[0]);
        var set = new XmlSchemaSet { XmlResolver = null };
        set.ValidationEventHandler += (sender, problem) =>
        {
            problems++;
            Console.Error.WriteLine(problem.Severity + ": " + problem.Message);
        };
        foreach (XmlNode node in wsdl.GetElementsByTagName("schema", XmlSchema.Namespace))
        {
            using (var reader = new XmlNodeReader(node))
            {
                set.Add(XmlSchema.Read(reader, (sender, problem) =>
                {
                    problems++;
                    Console.Error.WriteLine(problem.Severity + ": " + problem.Message);
                }));
            }
        }
        set.Compile();
        Console.WriteLine("elements=" + set.GlobalElements.Count);
        return problems == 0 && set.IsCompiled ? 0 : 1;
    }
}
