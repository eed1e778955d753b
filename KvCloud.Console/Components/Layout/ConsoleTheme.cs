using MudBlazor;

namespace KvCloud.WebConsole.Components.Layout;

/// <summary>Colors with enough contrast on both grounds, and the fonts of the system.</summary>
internal static class ConsoleTheme
{
    // The pages load nothing from another host.
    private static readonly string[] Fonts = ["system-ui", "Segoe UI", "Roboto", "Helvetica", "Arial", "sans-serif"];

    public static MudTheme Theme { get; } = new()
    {
        Typography = new Typography { Default = new DefaultTypography { FontFamily = Fonts } },
        PaletteLight = new PaletteLight
        {
            Primary = "#1f5fbf",
            AppbarBackground = "#ffffff",
            AppbarText = "#1d2733",
            Success = "#1b7a3d",
            Warning = "#9a5b00",
            Error = "#b3261e",
            Info = "#1f5fbf",
        },
        PaletteDark = new PaletteDark
        {
            Primary = "#8ab4f8",
            Success = "#7bd99a",
            Warning = "#f2b866",
            Error = "#ff8a80",
            Info = "#8ab4f8",
            // Texts of messages have the darker color, which is to be a lighter one on a dark ground.
            SuccessDarken = "#a6e6bb",
            WarningDarken = "#f7cf98",
            ErrorDarken = "#ffb4ab",
            InfoDarken = "#b3cdfb",
            PrimaryContrastText = "#10233f",
            SuccessContrastText = "#0d2a18",
            WarningContrastText = "#33210a",
            ErrorContrastText = "#3b0d0a",
            InfoContrastText = "#10233f",
            TextPrimary = "#e8eaed",
            TextSecondary = "#c4c9d1",
            ActionDefault = "#c4c9d1",
        },
    };
}
