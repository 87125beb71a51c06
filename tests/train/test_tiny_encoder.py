from pathlib import Path

from transformers import AutoTokenizer, DebertaV2Config

from train.tiny_encoder import CHARACTERS, character_tokenizer, save_settings


def test_each_character_is_a_token() -> None:
    tokenizer = character_tokenizer(["ab c\n", "é"])
    assert tokenizer.tokenize("a é\nb") == ["a", " ", "é", "\n", "b"]


def test_what_was_never_seen_is_unknown() -> None:
    assert character_tokenizer(["ab"]).tokenize("axb") == ["a", "[UNK]", "b"]


def test_the_order_of_the_texts_does_not_matter() -> None:
    one, other = character_tokenizer(["ab", "cda"]), character_tokenizer(["cda", "ba"])
    assert one.get_vocab() == other.get_vocab()


def test_the_rarest_characters_are_left_out() -> None:
    common = "".join(map(chr, range(0x4E00, 0x4E00 + CHARACTERS)))
    tokenizer = character_tokenizer([common, common, "a"])
    assert len(tokenizer) == CHARACTERS + 5
    assert tokenizer.tokenize("a") == ["[UNK]"]


def test_settings_and_tokenizer_agree(tmp_path: Path) -> None:
    folder = save_settings(tmp_path / "base", ["abc"])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert DebertaV2Config.from_pretrained(folder).vocab_size == len(tokenizer) == 8
    assert (tokenizer.cls_token, tokenizer.sep_token, tokenizer.pad_token_id) == (
        "[CLS]",
        "[SEP]",
        0,
    )
