//! What a show is called: read row by row, remembered, and never taken from another row.

use super::*;

fn catalogue(asked: &Asked) -> (u16, String) {
    let row = if asked.line.contains("/Sessions?") {
        json!({"ID": "0001-1004", "ScheduledFilmId": "HO00000101", "ScreenName": "Screen 5",
            "ScreenNameAlt": "شاشة 5"})
    } else if asked.line.contains("/ScheduledFilms?") {
        json!({"ID": "0001-HO00000101", "Title": " The Long Dune ", "TitleAlt": "الكثيب الطويل",
            "Rating": "PG", "RunTime": "118", "CinemaName": null})
    } else {
        json!({"ID": "0001", "Name": "Riyadh Park", "NameAlt": "الرياض بارك"})
    };
    (200, json!({"value": [{"ID": "another"}, row]}).to_string())
}

#[tokio::test]
async fn a_show_has_the_names_of_its_film_cinema_and_hall_and_is_read_once() {
    let server = Scripted::new(catalogue);
    let vista = vista(&server);
    for _ in 0..2 {
        let show = vista.show(ON, "0001", "1004", WITHIN).await.unwrap().unwrap();
        let names = [&show.film, &show.film_alt, &show.cinema, &show.cinema_alt, &show.hall];
        assert_eq!(
            names,
            ["The Long Dune", "الكثيب الطويل", "Riyadh Park", "الرياض بارك", "Screen 5"]
        );
        assert_eq!((show.rating.as_deref(), show.minutes), (Some("PG"), Some(118)));
    }
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_show_that_is_not_listed_is_none_and_silence_is_no_answer() {
    let empty = answers(200, r#"{"value":[]}"#);
    assert_eq!(vista(&empty).show(ON, "0001", "1004", WITHIN).await.unwrap(), None);
    assert_eq!(vista(&empty).show(ON, "0001", "x' or 1", WITHIN).await.unwrap(), None);
    for (http, body) in [(503, "<html>"), (200, "<feed/>"), (200, "{}")] {
        let silent = vista(&answers(http, body)).show(ON, "0001", "1004", WITHIN).await;
        assert!(matches!(silent, Err(Error::Unknown { .. })), "{body}");
    }
    // The newer of two rows.
    let twice = Scripted::new(|asked| {
        let (status, body) = catalogue(asked);
        (
            status,
            body.replace(r#"{"ID":"another"}"#, r#"{"ID":"0001-1004","ScheduledFilmId":"OLD"}"#),
        )
    });
    assert!(vista(&twice).show(ON, "0001", "1004", WITHIN).await.unwrap().is_some());
}
