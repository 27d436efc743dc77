import t2t_mm
from t2t_mm.experiments import results_page


def test_every_figure_has_its_command_seeds_machine_and_time(
    told, data, gin_file, tmp_path, capsys
):
    folder = tmp_path / "out"
    file = gin_file(
        "ExperimentSettings.variations = (('all',), ('no_experts', 'TrainSettings.log_every = 9'))"
    )
    t2t_mm.experiment(file, data_dir=data, output_dir=folder, seeds=(0, 1))
    (folder / "notes.md").write_text("Experts help.")
    assert results_page.main([str(folder)]) == 0
    page = capsys.readouterr().out
    assert "\n## `two`\n" in page
    assert (
        "4 of 4 runs, seeds 0, 1; 16 s in steps; Test, 2 cores.\nBudget of a run: 40 steps." in page
    )
    assert "\nExperts help.\n" in page
    # all: 1/2 and 1/2 + 1/64, sd 1/64 / sqrt(2); no_experts 1/16 less, each
    assert "| `fsdd` | accuracy | 0.5078 ± 0.0110 (n = 2) | 0.4453 ± 0.0110 (n = 2) |" in page
    assert "| `no_experts` less `all` | -0.0625 (n = 2) | [-0.0625, -0.0625] |" in page


def test_a_command_has_no_folders_of_one_machine_and_is_ready_to_paste():
    words = ["mm-experiment", "--data_dir=/mnt/d", "--gin_param=A.b = ('c', 'd')", "--seeds=0,1"]
    said = results_page._command([*words, "--output_dir=/mnt/o"])
    assert said == (
        "mm-experiment \\\n    --data_dir=DATA \\\n    \"--gin_param=A.b = ('c', 'd')\" \\\n"
        "    --seeds=0,1 \\\n    --output_dir=OUT"
    )


def test_a_folder_without_an_experiment_is_told(tmp_path, capsys):
    assert results_page.main([str(tmp_path)]) == 2
    assert "holds no experiment with tables" in capsys.readouterr().err
    assert results_page.main([]) == 2
