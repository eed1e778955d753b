using Microsoft.AspNetCore.Components.Server.Circuits;

namespace KvCloud.WebConsole.Sessions;

/// <summary>Counts the pages of a session, so that one without any ends after a while.</summary>
internal sealed class SessionPages(CurrentSession current) : CircuitHandler
{
    private ConsoleSession? _entered;

    public override Task OnCircuitOpenedAsync(Circuit circuit, CancellationToken cancellationToken)
    {
        _entered = current.Session;
        _entered?.Enter();
        return Task.CompletedTask;
    }

    public override Task OnCircuitClosedAsync(Circuit circuit, CancellationToken cancellationToken)
    {
        _entered?.Leave();
        return Task.CompletedTask;
    }
}
