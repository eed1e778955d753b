using System.CommandLine;

namespace KvCloud.Cli.Commands;

/// <summary>`kv completion bash|zsh|fish`: the script by which a shell completes commands of `kv`.</summary>
internal static class CompletionCommand
{
    // Each asks kv itself, by the directive that System.CommandLine answers: what there is, is completed.
    private const string Bash =
        """
        _kv() {
            local line="${COMP_LINE#* }"
            local at=$(( COMP_POINT - ${#COMP_LINE} + ${#line} ))
            local IFS=$'\n'
            COMPREPLY=( $(compgen -W "$("${COMP_WORDS[0]}" "[suggest:$at]" "$line" 2>/dev/null)" -- "$2") )
        }
        complete -o default -F _kv kv
        """;

    private const string Zsh =
        """
        #compdef kv
        _kv() {
            # The words of this command alone: the line may have others before it.
            local line="${(j: :)words[2,CURRENT-1]}"
            line="${line:+$line }$PREFIX"
            local -a found
            found=( ${(f)"$(kv "[suggest:${#line}]" "$line" 2>/dev/null)"} )
            (( ${#found} )) && compadd -a found || _files
        }
        compdef _kv kv
        """;

    private const string Fish =
        """
        function __kv_complete
            set -l line (string replace -r '^\S+ ' '' -- (commandline -cp))
            kv "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
        end
        complete -c kv -f -a '(__kv_complete)'
        complete -c kv -l ca -l cert -l key -l file -l dir -l password-file -l token-file -l kvconfig -r -F
        """;

    public static Command Create(KvConsole console)
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish." };
        shell.CompletionSources.Add("bash", "zsh", "fish");
        var command = new Command(
            "completion",
            "Print the script by which a shell completes kv's commands and options: source <(kv completion bash), the"
            + " same for zsh after compinit, or kv completion fish | source.")
        {
            shell,
        };
        command.SetAction(parsed =>
        {
            string name = parsed.GetRequiredValue(shell);
            console.Out.WriteLine(name switch
            {
                "bash" => Bash,
                "zsh" => Zsh,
                "fish" => Fish,
                _ => throw new UsageException($"'{name}' is no shell that kv knows; use bash, zsh or fish"),
            });
            return ExitCode.Ok;
        });
        return command;
    }
}
