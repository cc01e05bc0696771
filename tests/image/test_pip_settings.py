from image.pip_settings import pip_conf


def test_a_build_asks_the_index_that_this_machines_pip_asks() -> None:
    listed = ["global.index-url='https://index.example/simple'", ":env:.default-timeout='180'"]

    assert pip_conf(listed, certificates="/ca.pem") == (
        "[global]\ncert = /ca.pem\nindex-url = https://index.example/simple\ntimeout = 180\n"
    )


def test_the_environment_wins_over_files() -> None:
    listed = [":env:.index-url='https://environment.example'", "global.index-url='https://file.example'"]

    assert "index-url = https://environment.example\n" in pip_conf(listed, certificates="/ca.pem")


def test_several_indexes_stay_on_one_line() -> None:
    listed = ["global.extra-index-url='\\nhttps://one.example\\nhttps://two.example'"]

    assert "extra-index-url = https://one.example https://two.example\n" in pip_conf(listed, certificates="/ca.pem")


def test_paths_of_this_machine_stay_out_of_the_build() -> None:
    listed = ["global.cert='/here/ca.pem'", ":env:.find-links='/here/wheels'", "user.cache-dir='/here'"]

    assert "/here" not in pip_conf(listed, certificates="/ca.pem")
