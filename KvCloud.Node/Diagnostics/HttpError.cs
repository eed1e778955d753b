namespace KvCloud.Node.Diagnostics;

/// <summary>Why a request was not answered.</summary>
/// <param name="Code">A name of docs/errors.md.</param>
internal sealed record HttpError(string Code, string Message)
{
    public static IResult Result(int status, string code, string message) =>
        Results.Json(new HttpError(code, message), NodeEndpoints.Json, statusCode: status);
}
