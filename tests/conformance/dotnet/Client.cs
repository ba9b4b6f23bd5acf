// A .NET caller of the service: WCF with a hand-written contract, as a proxy generated from the
// vendor's WSDL would have it. Prints one "name=value" line for each thing that it was told.
//
// Client.exe BASE SOAP NAME PASSWORD MAILSERVER PORT MAILUSER MAILPASSWORD
// SOAP is 1.1, 1.2 or 1.2+addressing.

using System;
using System.Collections.Generic;
using System.Runtime.Serialization;
using System.ServiceModel;
using System.ServiceModel.Channels;

public static class Ns
{
    public const string Uri = "http://www.superoffice.net/ws/crm/NetServer/Services84";
}

// Data contracts ---------------------------------------------------------------------------------

[Flags]
[DataContract(Name = "ETableRight", Namespace = Ns.Uri)]
public enum ETableRight
{
    [EnumMember] Select = 1,
    [EnumMember] Update = 2,
    [EnumMember] Insert = 4,
    [EnumMember] Delete = 8,
    [EnumMember] Filtering = 16,
    [EnumMember] RestrictedUpdate = 32,
}

[DataContract(Name = "TableRight", Namespace = Ns.Uri)]
public class TableRight
{
    [DataMember(Order = 0)] public ETableRight Mask;
    [DataMember(Order = 1)] public string Reason;
}

[DataContract(Name = "FieldProperty", Namespace = Ns.Uri)]
public class FieldProperty
{
    [DataMember(Order = 1)] public string FieldType;
    [DataMember(Order = 2)] public int FieldLength;
}

[CollectionDataContract(
    Name = "FieldPropertyDictionary", Namespace = Ns.Uri,
    ItemName = "FieldPropertyDictionaryKeyValuePair", KeyName = "Key", ValueName = "Value")]
public class FieldPropertyDictionary : Dictionary<string, FieldProperty> { }

[DataContract(Name = "Carrier", Namespace = Ns.Uri)]
public class Carrier
{
    [DataMember(Order = 0)] public TableRight TableRight;
    [DataMember(Order = 1)] public FieldPropertyDictionary FieldProperties;
}

[DataContract(Name = "ServiceAuth", Namespace = Ns.Uri)]
public class ServiceAuth : Carrier
{
    [DataMember(Order = 0)] public int ServiceAuthId;
    [DataMember(Order = 1)] public string Server;
    [DataMember(Order = 2)] public int Port;
    [DataMember(Order = 3)] public string AuthType;
    [DataMember(Order = 4)] public string Username;
    [DataMember(Order = 5)] public string Password;
}

[DataContract(Name = "EMailAccount", Namespace = Ns.Uri)]
public class EMailAccount : Carrier
{
    [DataMember(Order = 0)] public int EMailAccountId;
    [DataMember(Order = 1)] public string EMailAddress;
    [DataMember(Order = 2)] public int AssociateId;
    [DataMember(Order = 3)] public ServiceAuth IncomingCredentials;
    [DataMember(Order = 4)] public ServiceAuth OutgoingCredentials;
    [DataMember(Order = 5)] public short AccountStatus;
    [DataMember(Order = 6)] public int ErrorCount;
    [DataMember(Order = 7)] public string ErrorReason;
}

[DataContract(Name = "SyncUserAccount", Namespace = Ns.Uri)]
public class SyncUserAccount : Carrier
{
    [DataMember(Order = 0)] public int AccountId;
    [DataMember(Order = 1)] public string AssociateName;
    [DataMember(Order = 2)] public int AssociateId;
}

[DataContract(Name = "SoCredentials", Namespace = Ns.Uri)]
public class SoCredentials
{
    [DataMember] public string Ticket;
}

[DataContract(Name = "SoTimeZone", Namespace = Ns.Uri)]
public class SoTimeZone
{
    [DataMember(Order = 0)] public int SoTimeZoneId;
    [DataMember(Order = 1)] public string SoTimeZoneLocationCode;
}

[CollectionDataContract(
    Name = "SoExtraInfo", Namespace = Ns.Uri,
    ItemName = "ExtraInfoNameValuePair", KeyName = "Key", ValueName = "Value")]
public class SoExtraInfo : Dictionary<string, string> { }

[CollectionDataContract(
    Name = "SoExceptionInfoParameters", Namespace = Ns.Uri,
    ItemName = "SoExceptionInfoParametersKeyValuePair", KeyName = "Key", ValueName = "Value")]
public class SoExceptionInfoParameters : Dictionary<string, string> { }

[DataContract(Name = "SoExceptionInfo", Namespace = Ns.Uri)]
public class SoExceptionInfo
{
    [DataMember(Order = 0)] public string Message;
    [DataMember(Order = 1)] public string StackTrace;
    [DataMember(Order = 2)] public string FriendlyText;
    [DataMember(Order = 3)] public string ExceptionType;
    [DataMember(Order = 4)] public string Source;
    [DataMember(Order = 5)] public SoExceptionInfo InnerException;
    [DataMember(Order = 6)] public SoExceptionInfoParameters Parameters;
}

[DataContract(Name = "SoPrincipalCarrier", Namespace = Ns.Uri)]
public class SoPrincipalCarrier
{
    [DataMember(Order = 1)] public string Associate;
    [DataMember(Order = 2)] public int AssociateId;
}

// Messages ---------------------------------------------------------------------------------------

[MessageContract]
public abstract class Request
{
    [MessageHeader(Namespace = Ns.Uri)] public string ApplicationToken;
    [MessageHeader(Namespace = Ns.Uri)] public SoCredentials Credentials;
    [MessageHeader(Namespace = Ns.Uri)] public SoTimeZone TimeZone;
}

[MessageContract]
public abstract class Reply
{
    [MessageHeader(Namespace = Ns.Uri)] public SoExceptionInfo ExceptionInfo;
    [MessageHeader(Namespace = Ns.Uri)] public SoExtraInfo ExtraInfo;
    [MessageHeader(Namespace = Ns.Uri)] public bool Succeeded;
    [MessageHeader(Namespace = Ns.Uri)] public SoTimeZone TimeZone;
}

[MessageContract(WrapperName = "AuthenticateUsernamePassword", WrapperNamespace = Ns.Uri)]
public class AuthenticateRequest
{
    [MessageHeader(Namespace = Ns.Uri)] public string ApplicationToken;
    [MessageBodyMember(Namespace = Ns.Uri, Order = 0)] public string UserName;
    [MessageBodyMember(Namespace = Ns.Uri, Order = 1)] public string Password;
}

[MessageContract(WrapperName = "AuthenticateResponse", WrapperNamespace = Ns.Uri)]
public class AuthenticateReply : Reply
{
    [MessageBodyMember(Namespace = Ns.Uri, Order = 0)] public SoPrincipalCarrier Response;
    [MessageBodyMember(Namespace = Ns.Uri, Order = 1)] public SoCredentials Credentials;
    [MessageBodyMember(Namespace = Ns.Uri, Order = 2)] public bool AuthenticationSucceeded;
}

[MessageContract(WrapperName = "SaveEMailAccount", WrapperNamespace = Ns.Uri)]
public class SaveRequest : Request
{
    [MessageBodyMember(Namespace = Ns.Uri)] public EMailAccount EMailAccount;
}

[MessageContract(WrapperName = "SaveEMailAccountResponse", WrapperNamespace = Ns.Uri)]
public class SaveReply : Reply
{
    [MessageBodyMember(Namespace = Ns.Uri)] public EMailAccount Response;
}

[MessageContract(WrapperName = "GetEMailAccount", WrapperNamespace = Ns.Uri)]
public class GetRequest : Request
{
    [MessageBodyMember(Namespace = Ns.Uri)] public int EMailAccountId;
}

[MessageContract(WrapperName = "GetEMailAccountResponse", WrapperNamespace = Ns.Uri)]
public class GetReply : Reply
{
    [MessageBodyMember(Namespace = Ns.Uri)] public EMailAccount Response;
}

[MessageContract(WrapperName = "SyncEmailAccount", WrapperNamespace = Ns.Uri)]
public class SyncRequest : Request
{
    [MessageBodyMember(Namespace = Ns.Uri)] public SyncUserAccount SyncUserAccount;
}

[MessageContract(WrapperName = "SyncEmailAccountResponse", WrapperNamespace = Ns.Uri)]
public class SyncReply : Reply { }

// Services ---------------------------------------------------------------------------------------

[ServiceContract(Name = "SoPrincipal", Namespace = Ns.Uri)]
public interface ISoPrincipal
{
    [OperationContract(
        Action = Ns.Uri + "/SoPrincipal/AuthenticateUsernamePassword",
        ReplyAction = Ns.Uri + "/SoPrincipal/AuthenticateUsernamePasswordResponse")]
    AuthenticateReply AuthenticateUsernamePassword(AuthenticateRequest request);
}

[ServiceContract(Name = "EMail", Namespace = Ns.Uri)]
public interface IEMail
{
    [OperationContract(
        Action = Ns.Uri + "/EMail/SaveEMailAccount",
        ReplyAction = Ns.Uri + "/EMail/SaveEMailAccountResponse")]
    SaveReply SaveEMailAccount(SaveRequest request);

    [OperationContract(
        Action = Ns.Uri + "/EMail/GetEMailAccount",
        ReplyAction = Ns.Uri + "/EMail/GetEMailAccountResponse")]
    GetReply GetEMailAccount(GetRequest request);

    [OperationContract(
        Action = Ns.Uri + "/EMail/SyncEmailAccount",
        ReplyAction = Ns.Uri + "/EMail/SyncEmailAccountResponse")]
    SyncReply SyncEmailAccount(SyncRequest request);
}

// The caller -------------------------------------------------------------------------------------

public static class Client
{
    public static int Main(string[] args)
    {
        Console.OutputEncoding = new System.Text.UTF8Encoding(false);
        try
        {
            Run(args);
            return 0;
        }
        catch (Exception error)
        {
            Console.Error.WriteLine(error);
            return 1;
        }
    }

    static void Run(string[] args)
    {
        var principal = Channel<ISoPrincipal>(args[1], args[0] + "/SoPrincipal.svc");
        var email = Channel<IEMail>(args[1], args[0] + "/EMail.svc");

        var wrong = principal.AuthenticateUsernamePassword(
            new AuthenticateRequest { UserName = args[2], Password = "not it" });
        Tell("wrong password", wrong);
        Tell("wrong password authenticated", wrong.AuthenticationSucceeded);

        var signedIn = principal.AuthenticateUsernamePassword(
            new AuthenticateRequest { UserName = args[2], Password = args[3] });
        Tell("authenticate", signedIn);
        Tell("authenticated", signedIn.AuthenticationSucceeded);
        Tell("associate", signedIn.Response.Associate);
        var credentials = signedIn.Credentials;

        var saved = email.SaveEMailAccount(new SaveRequest
        {
            Credentials = credentials,
            EMailAccount = new EMailAccount
            {
                EMailAddress = args[2] + "@example.com",
                IncomingCredentials = new ServiceAuth
                {
                    Server = args[4],
                    Port = int.Parse(args[5]),
                    Username = args[6],
                    Password = args[7],
                },
            },
        });
        Tell("save", saved);
        var id = saved.Response.EMailAccountId;
        Tell("account id", id);

        var synced = email.SyncEmailAccount(new SyncRequest
        {
            Credentials = credentials,
            SyncUserAccount = new SyncUserAccount { AccountId = id },
            TimeZone = new SoTimeZone { SoTimeZoneId = 261, SoTimeZoneLocationCode = "NO" },
        });
        Tell("sync", synced);
        Tell("time zone", synced.TimeZone.SoTimeZoneLocationCode);
        foreach (var pair in synced.ExtraInfo)
            Tell(pair.Key, pair.Value);

        var got = email.GetEMailAccount(
            new GetRequest { Credentials = credentials, EMailAccountId = id });
        Tell("get", got);
        Tell("address", got.Response.EMailAddress);
        Tell("owner", got.Response.AssociateId == signedIn.Response.AssociateId);
        Tell("server", got.Response.IncomingCredentials.Server);
        Tell("port", got.Response.IncomingCredentials.Port);
        Tell("status", got.Response.AccountStatus);

        var refused = email.GetEMailAccount(new GetRequest
        {
            Credentials = new SoCredentials { Ticket = "7T:bm90IGEgdGlja2V0" },
            EMailAccountId = id,
        });
        Tell("bad ticket", refused);
        Tell("bad ticket type", refused.ExceptionInfo.ExceptionType);
        Tell("bad ticket text", refused.ExceptionInfo.FriendlyText);
        Tell("bad ticket response", refused.Response == null ? "nothing" : "something");
    }

    static T Channel<T>(string soap, string address)
    {
        Binding binding = soap == "1.1"
            ? (Binding)new BasicHttpBinding()
            : new CustomBinding(
                new TextMessageEncodingBindingElement(
                    soap == "1.2" ? MessageVersion.Soap12 : MessageVersion.Soap12WSAddressing10,
                    System.Text.Encoding.UTF8),
                new HttpTransportBindingElement());
        return new ChannelFactory<T>(binding, new EndpointAddress(address)).CreateChannel();
    }

    static void Tell(string what, Reply reply)
    {
        Tell(what, reply.Succeeded ? "succeeded" : "failed");
        if (reply.Succeeded && reply.ExceptionInfo != null)
            throw new Exception(what + ": succeeded, and yet " + reply.ExceptionInfo.Message);
    }

    static void Tell(string name, object value)
    {
        Console.WriteLine(name + "=" + value);
    }
}
