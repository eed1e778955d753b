using System.CommandLine;
using KvCloud.Client;

namespace KvCloud.Cli.Commands;

/// <summary>Rights, column family and key prefix, as `grant` and `revoke` take them.</summary>
internal sealed class GrantOptions
{
    public Argument<string?> Rights { get; } = new("rights")
    {
        Description = "read, write or admin, with commas between.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    public Option<string?> Prefix { get; } = new("--prefix")
    {
        Description = "Only keys that begin so. Default: all.",
        HelpName = "prefix",
    };

    public Option<bool> Everywhere { get; } = new("--all-cfs")
    {
        Description = "In every column family, in place of the one that --cf names.",
    };

    public void AddTo(Command command)
    {
        command.Add(Rights);
        command.Add(Prefix);
        command.Add(Everywhere);
    }

    public KvGrant Of(CommandContext context)
    {
        string text = context.Parsed.GetValue(Rights)
            ?? throw new UsageException("which rights? read, write or admin, with commas between");
        if (context.Get(Everywhere) && context.ColumnFamily is not null)
        {
            throw new UsageException("--cf and --all-cfs are mutually exclusive");
        }

        KvRights rights = KvRights.None;
        foreach (string name in text.Split(',', StringSplitOptions.TrimEntries))
        {
            rights |= name.ToUpperInvariant() switch
            {
                "READ" => KvRights.Read,
                "WRITE" => KvRights.Write,
                "ADMIN" => KvRights.Admin,
                _ => throw new UsageException($"'{name}' is no right; there are read, write and admin"),
            };
        }

        return new KvGrant
        {
            Rights = rights,
            ColumnFamily = context.Get(Everywhere) ? KvGrant.Everywhere : context.ColumnFamily ?? "default",
            KeyPrefix = context.Get(Prefix) is { } prefix ? context.Bytes(prefix) : default,
        };
    }
}
