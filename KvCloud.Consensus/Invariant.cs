using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace KvCloud.Consensus;

/// <summary>
/// Checks that stay enabled in Release. A node whose invariant is broken stops at once: continuing would spread the
/// damage.
/// </summary>
public static class Invariant
{
    public static void Check(
        [DoesNotReturnIf(false)] bool condition,
        string message,
        [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        if (!condition)
        {
            Fail(message, file, line);
        }
    }

    [DoesNotReturn]
    private static void Fail(string message, string file, int line) =>
        throw new InvariantViolationException(
            $"Invariant broken: {message} ({file.Split('/', '\\')[^1]}:{line})");
}

/// <summary>A bug, or damage that must not spread. Never caught in order to continue.</summary>
public sealed class InvariantViolationException(string message) : Exception(message);
