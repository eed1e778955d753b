using System.Collections.Concurrent;
using System.Diagnostics;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace KvCloud.Tests.Live.WebConsole;

/// <summary>Chromium without a window, and whatever the pages complain of.</summary>
internal sealed class Browser : IAsyncDisposable
{
    public const string Chromium = "/usr/bin/chromium";

    private const float ActionTimeoutMs = 20_000;

    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;
    private readonly IBrowserContext _context;
    private readonly ConcurrentQueue<string> _errors = new();

    private Browser(IPlaywright playwright, IBrowser browser, IBrowserContext context, IPage page)
    {
        _playwright = playwright;
        _browser = browser;
        _context = context;
        Page = page;
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                _errors.Enqueue($"{message.Type}: {message.Text}");
            }
        };
        page.PageError += (_, error) => _errors.Enqueue(error);
        page.RequestFailed += (_, request) => _errors.Enqueue($"{request.Url}: {request.Failure}");
    }

    public IPage Page { get; }

    /// <summary>Errors and warnings in the browser's console, and requests that failed.</summary>
    public IReadOnlyCollection<string> Errors => _errors;

    public static async Task<Browser> StartAsync(
        Uri address, int width = 1280, int height = 1000, ColorScheme scheme = ColorScheme.Light)
    {
        IPlaywright playwright = await Playwright.CreateAsync();
        IBrowser browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = Chromium,
            Args = ["--no-sandbox"],
        });
        IBrowserContext context = await browser.NewContextAsync(new BrowserNewContextOptions
        {
            BaseURL = address.ToString(),
            ColorScheme = scheme,
            ViewportSize = new ViewportSize { Width = width, Height = height },
        });
        context.SetDefaultTimeout(ActionTimeoutMs);
        Assertions.SetDefaultExpectTimeout(ActionTimeoutMs);
        return new Browser(playwright, browser, context, await context.NewPageAsync());
    }

    /// <summary>
    /// Waits until a condition in JavaScript holds. Not Playwright's own wait, which evaluates text in the page: what
    /// the pages may run forbids that.
    /// </summary>
    public async Task WaitUntilAsync(string condition)
    {
        long started = Stopwatch.GetTimestamp();
        while (!await Page.EvaluateAsync<bool>(condition))
        {
            Assert.True(
                Stopwatch.GetElapsedTime(started).TotalMilliseconds < ActionTimeoutMs, $"never true: {condition}");
            await Task.Delay(50);
        }
    }

    /// <summary>Waits until nothing moves or changes its color, except what does so for ever.</summary>
    public Task WaitUntilStillAsync() => WaitUntilAsync(
        "document.getAnimations().every(one => one.playState !== 'running'"
        + " || one.effect.getComputedTiming().iterations === Infinity)");

    /// <summary>Violations of WCAG 2.1 A and AA that axe finds on the page as it is now, a line each.</summary>
    public async Task<string> FindAccessibilityViolationsAsync()
    {
        // Colors that are still changing are none that anybody reads.
        await WaitUntilStillAsync();
        AxeResult result = await Page.RunAxe(new AxeRunOptions
        {
            RunOnly = RunOnlyOptions.Tags("wcag2a", "wcag2aa", "wcag21a", "wcag21aa"),
        });
        return string.Join('\n', result.Violations.SelectMany(
            violation => violation.Nodes, (violation, node) => $"{violation.Id}: {violation.Help}: {node.Html}"));
    }

    public async ValueTask DisposeAsync()
    {
        await _context.CloseAsync();
        await _browser.CloseAsync();
        _playwright.Dispose();
    }
}
