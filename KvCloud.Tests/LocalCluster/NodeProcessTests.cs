using System.Collections.Concurrent;
using System.Diagnostics;
using KvCloud.LocalCluster;
using KvCloud.Tests.Live;
using KvCloud.Tests.Support;

namespace KvCloud.Tests.LocalCluster;

/// <summary>The supervisor with real processes: shell scripts that end, linger or refuse to end.</summary>
[Collection(LiveCollection.Name)]
public sealed class NodeProcessTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly ConcurrentQueue<NodeEvent> _events = [];

    [UnixFact]
    public async Task Start_process_has_its_lines_kept()
    {
        await using NodeProcess node = Node("echo one; echo two >&2; echo three; exec sleep 60");
        node.Start();

        await UntilAsync(() => node.Tail.Count == 3);
        Assert.Equal(["one", "three", "two"], node.Tail.Order());
        Assert.Equal(NodeState.Running, node.State);
        Assert.NotNull(node.ProcessId);
    }

    [UnixFact]
    public async Task StopAsync_process_that_heeds_ends_by_itself()
    {
        await using NodeProcess node = Node("trap 'echo draining; exit 0' TERM; echo up; while :; do sleep 0.05; done");
        node.Start();
        await UntilAsync(() => node.Tail.Contains("up"));

        await node.StopAsync();

        Assert.Equal(0, node.LastExitCode);
        Assert.Equal("draining", node.Tail[^1]);
        Assert.Equal(NodeState.Stopped, node.State);
        Assert.Null(node.ProcessId);
    }

    [UnixFact]
    public async Task StopAsync_paused_process_ends_too()
    {
        await using NodeProcess node = Node("trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done");
        node.Start();
        await UntilAsync(() => node.Tail.Contains("up"));
        node.Pause();

        await node.StopAsync();

        Assert.Equal(0, node.LastExitCode);
    }

    [UnixFact]
    public async Task StopAsync_process_that_does_not_heed_is_killed()
    {
        await using NodeProcess node = Node(
            "trap '' TERM; echo up; while :; do sleep 0.05; done",
            new ProcessClusterOptions { StopTimeout = TimeSpan.FromMilliseconds(300) });
        node.Start();
        await UntilAsync(() => node.Tail.Contains("up"));

        await node.StopAsync();

        Assert.Equal(128 + 9, node.LastExitCode);
        Assert.Contains(_events, e => !e.IsAskedFor && e.Sentence.Contains("killed", StringComparison.Ordinal));
    }

    [UnixFact]
    public async Task KillAsync_with_restart_runs_again_as_another_process()
    {
        await using NodeProcess node = Node("exec sleep 60");
        node.Start();
        int first = node.ProcessId!.Value;

        await node.KillAsync();
        await UntilAsync(() => node.ProcessId is { } id && id != first);

        Assert.Equal(
            [
                (true, $"node-4 started as process {first}"),
                (false, "node-4 exited unexpectedly with signal 9 (killed); restarting in 1 s"),
            ],
            _events.Take(2).Select(e => (e.IsAskedFor, e.ToString())));
    }

    [UnixFact]
    public async Task KillAsync_without_restart_stays_down_until_started()
    {
        await using NodeProcess node = Node("exec sleep 60", new ProcessClusterOptions { RestartCrashed = false });
        node.Start();

        await node.KillAsync();
        await UntilAsync(() => node.State == NodeState.Ended);
        Assert.Null(node.ProcessId);
        Assert.Equal(128 + 9, node.LastExitCode);

        await node.StopAsync();
        node.Start();
        Assert.NotNull(node.ProcessId);
    }

    [UnixFact]
    public async Task Start_right_after_kill_is_not_too_early()
    {
        await using NodeProcess node = Node("exec sleep 60", new ProcessClusterOptions { RestartCrashed = false });
        for (int i = 0; i < 200; i++)
        {
            node.Start();
            await node.KillAsync();
            Assert.Equal(NodeState.Ended, node.State);
        }
    }

    [UnixFact]
    public async Task Start_configuration_mistake_is_not_repeated()
    {
        await using NodeProcess node = Node("echo 'no such key'; exit 2");
        node.Start();

        await UntilAsync(() => node.State == NodeState.Ended);
        Assert.Equal(2, node.LastExitCode);
        Assert.Contains(_events, e => e.Sentence == "exited unexpectedly with exit code 2 and stays down");
    }

    [UnixFact]
    public async Task Pause_process_stands_still_until_resumed()
    {
        await using NodeProcess node = Node("i=0; while :; do i=$((i+1)); echo $i; sleep 0.02; done");
        node.Start();
        await UntilAsync(() => node.Tail.Count > 2);

        node.Pause();
        int lines = await SettledAsync(() => node.Tail.Count);
        Assert.Equal(lines, node.Tail.Count);

        node.Resume();
        await UntilAsync(() => node.Tail.Count > lines);
    }

    [UnixFact]
    public async Task Pause_stopped_process_is_refused_by_name()
    {
        await using NodeProcess node = Node("exit 0");
        InvalidOperationException e = Assert.Throws<InvalidOperationException>(node.Pause);
        Assert.Equal("node-4 is not running.", e.Message);
    }

    [UnixFact]
    public async Task Start_twice_refused()
    {
        await using NodeProcess node = Node("exec sleep 60");
        node.Start();
        Assert.Throws<InvalidOperationException>(node.Start);
    }

    [UnixFact]
    public async Task Start_with_output_file_puts_lines_there_and_hands_signals_to_the_program()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        try
        {
            var options = new ProcessClusterOptions
            {
                RestartCrashed = false,
                OutputFile = _ => path,
                OnLine = (_, line) => Assert.Fail($"'{line}' came through this process"),
            };
            await using NodeProcess node = Node(
                "trap 'exit 7' TERM; echo $$; echo two >&2; while :; do sleep 0.05; done",
                options,
                info => OutputFile.Redirect(info, path));
            node.Start();
            await UntilAsync(() => node.Tail.Count == 2);
            Assert.Equal([$"{node.ProcessId}", "two"], node.Tail);

            await node.StopAsync();

            Assert.Equal(7, node.LastExitCode);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [UnixFact]
    public async Task StopAsync_during_the_pause_before_a_restart_stays_down()
    {
        await using NodeProcess node = Node("exit 1");
        node.Start();
        await UntilAsync(() => node.State == NodeState.Pausing);

        await node.StopAsync();

        Assert.Equal(NodeState.Stopped, node.State);
        Assert.Single(_events, e => e.Sentence.StartsWith("started as", StringComparison.Ordinal));
    }

    private NodeProcess Node(
        string script, ProcessClusterOptions? options = null, Action<ProcessStartInfo>? change = null) => new(
        new Replica(4, 1, 2, 3),
        (options ?? new ProcessClusterOptions()) with { OnEvent = happened => _events.Enqueue(happened) },
        () =>
        {
            var info = new ProcessStartInfo("/bin/sh", ["-c", script])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            change?.Invoke(info);
            return info;
        });

    private static async Task UntilAsync(Func<bool> condition)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed < Limit, "it did not come to pass");
            await Task.Delay(10);
        }
    }

    /// <summary>The value once it has not changed for many times the period at which it would.</summary>
    private static async Task<int> SettledAsync(Func<int> value)
    {
        for (int last = -1; ;)
        {
            int now = value();
            if (now == last)
            {
                return now;
            }

            last = now;
            await Task.Delay(300);
        }
    }
}
