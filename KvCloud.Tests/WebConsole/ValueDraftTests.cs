using KvCloud.WebConsole.Data;

namespace KvCloud.Tests.WebConsole;

public class ValueDraftTests
{
    [Fact]
    public void Rebase_text_that_was_saved_is_replaced_by_what_the_store_holds()
    {
        var draft = new ValueDraft { Text = "{\"a\":1}" };
        Assert.True(draft.IsEdited);
        draft.Rebase("{\n  \"a\": 1\n}", replaced: draft.Text);
        Assert.Equal("{\n  \"a\": 1\n}", draft.Text);
        Assert.False(draft.IsEdited);
    }

    [Fact]
    public void Rebase_text_typed_since_stays_as_an_edit()
    {
        var draft = new ValueDraft { Text = "first" };
        string saved = draft.Text;
        draft.Text = "second";
        draft.Rebase("first", replaced: saved);
        Assert.Equal("second", draft.Text);
        Assert.Equal("first", draft.Stored);
        Assert.True(draft.IsEdited);
    }

    [Fact]
    public void Rebase_onto_what_somebody_else_wrote_keeps_the_text()
    {
        var draft = new ValueDraft { Text = "mine" };
        draft.Rebase("theirs");
        Assert.Equal("mine", draft.Text);
        Assert.True(draft.IsEdited);
    }

    [Fact]
    public void Text_of_an_emptied_field_is_empty()
    {
        var draft = new ValueDraft { Text = null };
        Assert.Equal("", draft.Text);
        Assert.False(draft.IsEdited);
    }
}
